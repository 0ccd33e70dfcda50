// Package bucket limits how often something may happen.
package bucket

import (
	"errors"
	"sort"
)

// ErrEmpty says that nothing may happen now.
var ErrEmpty = errors.New("bucket: empty")

// Bucket holds tokens that come back over time.
type Bucket struct {
	Capacity int
	Tokens   int
	Rate     int
	Last     int64
}

// Refill adds the tokens of the time that has passed.
func (b *Bucket) Refill(now int64) int {
	if now <= b.Last {
		return b.Tokens
	}
	added := int(now-b.Last) * b.Rate
	b.Tokens += added
	if b.Tokens > b.Capacity {
		b.Tokens = b.Capacity
	}
	b.Last = now
	return b.Tokens
}

// Take removes tokens, or none where there are too few.
func (b *Bucket) Take(now int64, count int) error {
	b.Refill(now)
	if b.Tokens < count {
		return ErrEmpty
	}
	b.Tokens -= count
	return nil
}

// Wait says after how many seconds a number of tokens will be there.
func (b *Bucket) Wait(count int) int {
	missing := count - b.Tokens
	if missing <= 0 {
		return 0
	}
	return (missing + b.Rate - 1) / b.Rate
}

// Busiest returns the names of the n emptiest buckets.
func Busiest(buckets map[string]*Bucket, n int) []string {
	names := make([]string, 0, len(buckets))
	for name := range buckets {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		left, right := buckets[names[i]], buckets[names[j]]
		if left.Tokens != right.Tokens {
			return left.Tokens < right.Tokens
		}
		return names[i] < names[j]
	})
	if len(names) > n {
		names = names[:n]
	}
	return names
}
