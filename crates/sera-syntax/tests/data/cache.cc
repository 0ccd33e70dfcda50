#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace store {

static const int LIMIT = 100;

// One entry of the cache.
struct Entry {
    std::string key;
    std::string value;
    int hits = 0;
    int size = 0;
};

class Cache {
public:
    explicit Cache(int limit) : limit_(limit) {
        hits_ = 0;
        misses_ = 0;
    }

    // Puts a value under a key and drops what no longer fits.
    bool put(const std::string& key, const std::string& value) {
        if (key.empty() || limit_ <= 0) {
            return false;
        }
        Entry entry;
        entry.key = key;
        entry.value = value;
        entry.size = static_cast<int>(value.size());
        if (entry.size > limit_) {
            return false;
        }
        used_ += entry.size;
        entries_[key] = entry;
        shrink(limit_, 1);
        return true;
    }

    int hits() const { return hits_; }

    std::string get(const std::string& key, const std::string& fallback);
    int shrink(int limit, int keep);
    std::vector<std::string> keys(bool sorted) const;
    double ratio(int digits = 2) const;

private:
    std::map<std::string, Entry> entries_;
    std::mutex mutex_;
    int limit_;
    int used_ = 0;
    int hits_;
    int misses_;
};

std::string Cache::get(const std::string& key, const std::string& fallback) {
    auto found = entries_.find(key);
    if (found == entries_.end()) {
        misses_++;
        return fallback;
    }
    found->second.hits += 1;
    hits_++;
    return found->second.value;
}

int Cache::shrink(int limit, int keep) {
    int dropped = 0;
    auto it = entries_.begin();
    while (it != entries_.end() && used_ > limit) {
        int left = static_cast<int>(entries_.size());
        if (left <= keep) {
            break;
        }
        if (it->second.hits > 0) {
            ++it;
            continue;
        }
        used_ -= it->second.size;
        it = entries_.erase(it);
        dropped += 1;
    }
    return dropped;
}

std::vector<std::string> Cache::keys(bool sorted) const {
    std::vector<std::string> names = {"first", "last"};
    for (const auto& pair : entries_) {
        if (pair.second.size == 0) continue;
        names.push_back(pair.first);
    }
    if (sorted) {
        std::sort(names.begin(), names.end());
    }
    return names;
}

double Cache::ratio(int digits) const {
    int total = hits_ + misses_;
    if (total == 0) {
        return 0.0;
    }
    double share = static_cast<double>(hits_) / total;
    double scale = 1.0;
    for (int i = 0; i < digits; i++) {
        scale *= 10.0;
    }
    return std::round(share * scale) / scale;
}

int parse(const std::string& text, int low, int high) {
    int value = low;
    try {
        value = std::stoi(text);
    } catch (const std::invalid_argument& error) {
        std::cerr << "not a number: " << error.what() << "\n";
        return low;
    }
    if (value < low || value > high) {
        throw std::out_of_range("outside of the range");
    }
    return std::min(value, high);
}

int scaled(int value, int factor = 2) {
    int result = value * factor;
    if (result > LIMIT) {
        result = 100;
    } else {
        result += 1;
    }
    switch (result % 3) {
        case 0:
            result = scaled(result, 1);
            break;
        case 1:
            result -= 1;
            break;
        default:
            break;
    }
    const int weights[3] = {1, 2, 3};
    return result + weights[0];
}

int count(const std::vector<Entry>& entries, int least) {
    int found = 0;
    auto large = [least](const Entry& entry) { return entry.size >= least; };
    for (const Entry& entry : entries) {
        if (large(entry) && entry.hits > 1) {
            found++;
        }
    }
    return found;
}

long checksum(const std::vector<Entry>& entries, const int weights[4]) {
    long sum = 7;
    for (size_t i = 0; i < entries.size(); i++) {
        sum = sum * 31 + entries[i].size;
        sum += weights[i % 4];
    }
    return sum;
}

}  // namespace store
