//! Ranges of whole numbers.

/// A range from `start` to `end`, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub start: i64,
    pub end: i64,
}

impl Range {
    /// The numbers both ranges hold.
    pub fn intersect(&self, other: &Range) -> Option<Range> {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end);
        if start >= end {
            return None;
        }
        Some(Range { start, end })
    }

    /// Cuts the range into pieces of at most `size`.
    pub fn chunks(&self, size: i64) -> Vec<Range> {
        let mut chunks = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let end = (start + size).min(self.end);
            chunks.push(Range { start, end });
            start = end;
        }
        chunks
    }
}

/// Joins ranges that touch or overlap.
pub fn merge(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Reads `3..7`.
pub fn parse(text: &str) -> Result<Range, String> {
    let (start, end) = text.split_once("..").ok_or("no dots")?;
    let start = start.trim().parse::<i64>().map_err(|error| error.to_string())?;
    let end = end.trim().parse::<i64>().map_err(|error| error.to_string())?;
    if end < start {
        return Err(format!("{start} is above {end}"));
    }
    Ok(Range { start, end })
}
