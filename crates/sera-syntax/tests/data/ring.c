#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 64
#define GROWTH 2

struct ring {
    char *bytes;
    size_t head;
    size_t tail;
    size_t size;
    int closed;
    int dropped;
};

static const int weights[4] = {1, 3, 5, 7};

/* Makes an empty ring of the given size; NULL when memory is short. */
struct ring *ring_new(size_t size) {
    struct ring *r = malloc(sizeof(*r));
    if (r == NULL)
        return NULL;
    if (size == 0)
        size = CAPACITY;
    r->bytes = calloc(size, 1);
    r->head = 0;
    r->tail = 0;
    r->size = size;
    r->closed = 0;
    r->dropped = 0;
    if (!r->bytes) {
        free(r);
        return NULL;
    }
    return r;
}

void ring_free(struct ring *r) {
    if (!r)
        return;
    free(r->bytes);
    free(r);
}

size_t ring_used(const struct ring *r) {
    size_t used = r->head - r->tail;
    return used % r->size;
}

int ring_push(struct ring *r, char c) {
    size_t next = (r->head + 1) % r->size;
    if (r->closed || next == r->tail) {
        r->dropped += 1;
        return -1;
    }
    r->bytes[r->head] = c;
    r->head = next;
    return 0;
}

int ring_pop(struct ring *r, char *out) {
    if (r->head == r->tail)
        return -1;
    *out = r->bytes[r->tail];
    r->tail = (r->tail + 1) % r->size;
    return 0;
}

int ring_write(struct ring *r, const char *text, int limit) {
    int written = 0;
    int skipped = 0;
    for (int i = 0; i < limit; i++) {
        char c = text[i];
        if (c == '\0')
            break;
        if (!isprint((unsigned char)c)) {
            skipped++;
            continue;
        }
        if (ring_push(r, c) < 0) {
            fprintf(stderr, "full after %d\n", written);
            break;
        }
        written += 1;
    }
    return written > 0 ? written : -skipped;
}

/* Folds case and sums up, for tests of order. */
long checksum(const char *text, int fold) {
    long sum = 0;
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (fold && c >= 'A' && c <= 'Z') {
            c = tolower(c);
        }
        sum = sum * 31 + c;
        sum += weights[i % 4];
    }
    return labs(sum);
}

int level(int used, int size) {
    int share = used * 100 / size;
    int result;
    switch (share / 25) {
    case 0:
        result = 0;
        break;
    case 1:
    case 2:
        result = 1;
        break;
    default:
        result = 2;
        break;
    }
    if (share > 100) {
        result = 3;
    } else if (share < 0) {
        result = -1;
    }
    return result;
}

int find(const char *haystack, const char *needle, int from) {
    int length = (int)strlen(haystack);
    int width = (int)strlen(needle);
    while (from + width <= length) {
        if (strncmp(haystack + from, needle, (size_t)width) == 0)
            return from;
        from++;
    }
    return -1;
}

int average(const int *values, int count, int rounded) {
    long sum = 0;
    int share;
    for (int i = 0; i < count; i++) {
        sum += (long)values[i];
    }
    if (rounded) {
        share = (int)(sum + count / 2);
    } else {
        share = (int)sum;
    }
    return share / count;
}

static int half(int n) {
    return n / 2;
}

int middle(int low, int high) {
    int sum = low + high;
    return half(sum) + 1;
}

const char *describe(int used, int size, int strict) {
    const char *text = "half";
    bool full = false;
    if (used >= size) {
        text = "full";
        full = true;
    }
    return full && strict ? "closed" : text;
}
