// A shopping cart with discounts.
interface Item {
  name: string;
  price: number;
  count: number;
  tags?: string[];
}

const LIMIT = 100;
const MAX_ITEMS = 20;

export class Cart {
  private items: Item[] = [];
  private codes: string[] = [];
  owner: string;
  currency: string;

  constructor(owner: string, currency = 'EUR') {
    this.owner = owner;
    this.currency = currency;
  }

  /** Adds pieces of an item. */
  add(name: string, price: number, count = 1): boolean {
    const key = name.trim().toLowerCase();
    if (!key || price < 0 || this.items.length >= MAX_ITEMS) {
      return false;
    }
    const known = this.items.find((item) => item.name === key);
    if (known) {
      known.count += count;
      known.price = Math.min(known.price, price);
    } else {
      this.items.push({ name: key, price: price, count: count });
    }
    return true;
  }

  total(withTax: boolean, rate: number = 0.2): number {
    let sum = 0;
    for (const item of this.items) {
      if (item.count === 0) {
        continue;
      }
      sum += item.price * item.count;
    }
    const discount = this.discount(sum, this.codes.length);
    const net = sum - discount;
    return withTax ? net * (1 + rate) : net;
  }

  discount(sum: number, codes: number): number {
    if (codes === 0 || sum < LIMIT) {
      return 0;
    }
    const share = Math.min(codes * 5, 30);
    return Math.round((sum * share) / 100);
  }

  redeem(code: string, now: number, until: number): boolean {
    const cleaned = code.trim().toUpperCase();
    if (cleaned.length !== 8 || now > until) {
      return false;
    }
    if (this.codes.includes(cleaned)) {
      return false;
    }
    this.codes.push(cleaned);
    return true;
  }

  search(word: string, start = 0, limit = 10): Item[] {
    const found: Item[] = [];
    const wanted = word.toLowerCase();
    for (let index = start; index < this.items.length; index++) {
      const item = this.items[index];
      const tags = item.tags ?? [];
      if (item.name.includes(wanted) || tags.includes(wanted)) {
        found.push(item);
      }
      if (found.length >= limit) {
        break;
      }
    }
    return found.slice(0, limit);
  }
}

export function formatLine(item: Item, width: number, currency: string): string {
  const price = item.price.toFixed(2);
  const left = item.name.slice(0, width - price.length);
  const gap = ' '.repeat(Math.max(1, width - left.length - price.length));
  return left + gap + price + ' ' + currency;
}

export const groupBy = (items: Item[], key: string, fallback: string) => {
  const groups: Record<string, Item[]> = {};
  for (const item of items) {
    const name = item.tags?.find((tag) => tag.startsWith(key)) ?? fallback;
    groups[name] = groups[name] || [];
    groups[name].push(item);
  }
  return groups;
};

export async function load(fetcher: (url: string) => Promise<Item[]>, url: string, retries = 3) {
  let attempt = 0;
  while (attempt < retries) {
    try {
      const items = await fetcher(url);
      return items.filter((item) => item.count > 0);
    } catch (error) {
      attempt += 1;
    }
  }
  return null;
}

export function sign(currency: string, plain: boolean): string {
  let symbol = '';
  switch (currency) {
    case 'EUR':
      symbol = '€';
      break;
    case 'USD':
      symbol = '$';
      break;
    default:
      symbol = currency;
  }
  return plain ? currency : symbol;
}
