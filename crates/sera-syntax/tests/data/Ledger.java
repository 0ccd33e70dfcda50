package shop.ledger;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Keeps what was bought and what was paid. */
public class Ledger {
    private static final int LIMIT = 500;
    private static final int WARNING = 450;

    private final Map<String, Integer> balances = new HashMap<>();
    private final List<String> closed = new ArrayList<>();
    private String owner = "";
    private String currency = "EUR";
    private int entries;
    private int refused;

    public Ledger(String owner) {
        this.owner = Objects.requireNonNull(owner).trim();
        this.entries = 0;
    }

    /** Adds an amount and says whether it was taken. */
    public boolean add(String account, int amount) {
        String key = account.trim().toLowerCase();
        if (key.isEmpty() || amount == 0) {
            return false;
        }
        if (closed.contains(key)) {
            refused++;
            return false;
        }
        int before = balances.getOrDefault(key, 0);
        int after = before + amount;
        if (after > LIMIT && !key.startsWith("vip")) {
            refused += 1;
            return false;
        }
        balances.put(key, after);
        entries++;
        return true;
    }

    public int total(boolean debts) {
        int sum = 0;
        int count = 0;
        for (Map.Entry<String, Integer> entry : balances.entrySet()) {
            int value = entry.getValue();
            if (value < 0 && !debts) {
                continue;
            }
            sum += value;
            count++;
        }
        return count > 0 ? sum : 0;
    }

    public String largest() {
        String best = "";
        int most = Integer.MIN_VALUE;
        for (String name : balances.keySet()) {
            int value = balances.get(name);
            if (value > most) {
                most = value;
                best = name;
            } else if (value == most && name.compareTo(best) < 0) {
                best = name;
            }
        }
        return best;
    }

    public List<String> overdrawn(int threshold) {
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, Integer> entry : balances.entrySet()) {
            if (entry.getValue() >= threshold) {
                continue;
            }
            names.add(entry.getKey());
        }
        Collections.sort(names);
        return Collections.unmodifiableList(names);
    }

    public int parse(String text, int fallback) {
        try {
            int value = Integer.parseInt(text.trim());
            return value * 100;
        } catch (NumberFormatException e) {
            System.err.println("not a number: " + text);
            return fallback;
        }
    }

    public void close(String account) {
        String key = account.trim();
        synchronized (closed) {
            if (!closed.contains(key)) {
                closed.add(key);
            }
            entries--;
        }
    }

    public String describe(int level) {
        String text;
        switch (level) {
            case 0:
                text = owner;
                break;
            case 1:
                text = owner + ": " + entries;
                break;
            default:
                text = owner + ": " + entries + "/" + refused + " " + currency;
                break;
        }
        return text.length() > 40 ? text.substring(0, 40 - 1) : text;
    }

    @Override
    public String toString() {
        int sum = total(true);
        return describe(2) + " " + sum;
    }

    static int clamp(int value, int low, int high) {
        int bounded = Math.max(value, low);
        if (high < low) {
            throw new IllegalArgumentException("empty range");
        }
        return Math.min(bounded, high);
    }

    static int scale(int[] weights, int factor) {
        int sum = 0;
        for (int i = 0; i < weights.length; i++) {
            int scaled = clamp(weights[i] * factor, 0, WARNING);
            sum += scaled / 2;
        }
        return sum;
    }

    @SafeVarargs
    static int[] spread(int total, int... shares) {
        int[] known = {1, 2, 3};
        int sum = 0;
        if (total > 0) {
            sum = total;
        } else {
            sum = shares.length;
        }
        known[0] = sum;
        return known;
    }

    int load(java.nio.file.Path path) throws java.io.IOException {
        int lines = 0;
        try (java.io.BufferedReader reader = java.nio.file.Files.newBufferedReader(path)) {
            while (reader.readLine() != null) {
                lines++;
            }
        }
        try {
            entries = lines;
        } finally {
            refused = 0;
        }
        return lines;
    }

    static int half(int n) {
        return n / 2;
    }

    static int middle(int low, int high) {
        int sum = low + high;
        return half(sum);
    }
}
