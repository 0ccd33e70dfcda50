<?php

declare(strict_types=1);

namespace Shop;

use InvalidArgumentException;

/**
 * What somebody is about to buy.
 */
final class Basket
{
    private const LIMIT = 50;
    private const FREE = 20;

    private array $items = [];
    private array $prices = [];
    private int $added = 0;
    private ?string $owner = null;

    public function __construct(string $owner, array $prices = [])
    {
        $this->owner = trim($owner);
        $this->prices = $prices;
        $this->added = 0;
    }

    /**
     * Adds pieces of an item and says how many there are.
     */
    public function add(string $name, int $pieces = 1, bool $force = false): int
    {
        $key = strtolower(trim($name));
        if ($key === '' || $pieces < 1) {
            throw new InvalidArgumentException('nothing to add');
        }
        if (!isset($this->prices[$key]) && !$force) {
            return 0;
        }
        $before = $this->items[$key] ?? 0;
        $after = $before + $pieces;
        if ($after > self::LIMIT) {
            $after = self::LIMIT;
        }
        $this->items[$key] = $after;
        $this->added += $pieces;
        return $after;
    }

    public function total(float $rebate = 0.0, bool $rounded = true): float
    {
        $sum = 0.0;
        $count = 0;
        foreach ($this->items as $name => $pieces) {
            if ($pieces === 0) {
                continue;
            }
            $price = $this->prices[$name] ?? 1.0;
            $sum += $price * $pieces;
            $count++;
        }
        $sum = $sum * (1 - $rebate);
        return $rounded ? round($sum, 2) : $sum;
    }

    public function find(array $names, string $prefix): array
    {
        $found = [];
        foreach ($names as $index => $name) {
            if (count($found) >= self::FREE) {
                break;
            }
            if (str_starts_with($name, $prefix)) {
                $found[$index] = trim($name);
            }
        }
        sort($found);
        return array_values($found);
    }

    public function parse(string $line, string $separator = ';'): ?array
    {
        try {
            $parts = explode($separator, $line);
            $name = trim($parts[0]);
            return ['name' => $name, 'pieces' => (int) $parts[1], 'unit' => 'each'];
        } catch (\ValueError $error) {
            error_log($error->getMessage());
            return null;
        }
    }

    public function label(int $level): string
    {
        switch ($level) {
            case 0:
                $text = $this->owner;
                break;
            case 1:
                $text = $this->owner . '/' . count($this->items);
                break;
            default:
                $text = $this->owner . '/' . $this->added;
        }
        return strlen($text) > 40 ? substr($text, 0, 40) : $text;
    }

    public function merge(Basket $other, ?Basket $third = null): void
    {
        foreach ($other->items as $name => $pieces) {
            $this->add($name, $pieces, true);
        }
        $third?->clear();
        $this->owner = $other->label(1)->trim()->lower();
        $this->notify('merged', count($other->items));
        $other->clear();
    }

    public function clear(): void
    {
        $this->items = [];
        $this->added = 0;
    }

    #[Pure]
    public function freight(array $rates, bool $express = false): int
    {
        if ($express) {
            $rate = $rates['express'];
        } else {
            $rate = $rates['plain'];
        }
        try {
            $this->notify(event: 'freight', count: $rate);
        } catch (\RuntimeException $error) {
            $rate = 0;
            throw $error;
        } finally {
            $this->added = 0;
        }
        return min($rate, self::LIMIT);
    }

    private function notify(string $event, int $count): void
    {
        $text = $event . ':' . $count;
        array_push($this->items, $text);
        array_pop($this->items);
    }
}

function scale(array $weights, int $factor): int
{
    $sum = 0;
    for ($i = 0; $i < count($weights); $i++) {
        $scaled = max($weights[$i] * $factor, 0);
        $sum += intdiv($scaled, 2);
    }
    return $sum;
}

function half(int $n): int
{
    return intdiv($n, 2);
}

function middle(int $low, int $high): int
{
    $sum = $low + $high;
    return half($sum);
}
