//! The page's pictures: a curve of losses, and dots with whiskers. Small enough that a telephone
//! shows them as they are; every picture says in words what it shows.
use super::html::Html;
use sera_protocol::report::{LossPoint, Spread};

const WIDTH: f64 = 340.0;
/// Left of an axis: its numbers, or the names of arms.
const LEFT: f64 = 40.0;
const NAMES: f64 = 64.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;

/// A straight scale from values to places.
struct Scale {
    values: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let ((low, high), (from, to)) = (self.values, self.places);
        from + (value - low) / (high - low) * (to - from)
    }
}

/// At most about `most` round numbers from `low` to `high`.
fn ticks((low, high): (f64, f64), most: f64) -> Vec<f64> {
    let least = (high - low) / most;
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * power);
    let step = steps.into_iter().find(|step| *step >= least).unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// The numbers' range, widened where it has no width, and at both ends by `share` of it.
fn range(values: impl Iterator<Item = f64>, share: f64) -> (f64, f64) {
    let widest = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold(widest, |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let more = ((high - low) * share).max(if low == high { 0.5 } else { 0.0 });
    (low - more, high + more)
}

fn place(value: f64) -> String {
    format!("{value:.1}")
}

/// `0.25`, `2`, `1200`: no more digits than a tick needs.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn line(html: &mut Html, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(place);
    html.void("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
}

fn label(html: &mut Html, (x, y): (f64, f64), anchor: &str, class: &str, text: &str) {
    let [x, y] = [x, y].map(place);
    html.leaf("text", &[("x", &x), ("y", &y), ("text-anchor", anchor), ("class", class)], text);
}

/// The picture itself; `id` names it within the page, and `says` is what it says.
fn picture(
    html: &mut Html,
    height: f64,
    id: &str,
    (title, says): (&str, &str),
    inside: impl FnOnce(&mut Html),
) {
    let view = format!("0 0 {WIDTH} {height}");
    let (title_id, desc_id) = (format!("{id}-title"), format!("{id}-desc"));
    let named = format!("{title_id} {desc_id}");
    let attributes =
        [("viewBox", view.as_str()), ("role", "img"), ("aria-labelledby", named.as_str())];
    html.element("svg", &attributes, |html| {
        html.leaf("title", &[("id", &title_id)], title);
        html.leaf("desc", &[("id", &desc_id)], says);
        inside(html);
    });
}

/// Losses against steps.
pub(super) fn curve(html: &mut Html, points: &[LossPoint], says: &str) {
    const HEIGHT: f64 = 190.0;
    const BELOW: f64 = 34.0;
    let values = range(points.iter().map(|point| point.loss), 0.06);
    let steps = (0.0, points.last().map_or(1.0, |point| point.step as f64));
    let x = Scale { values: steps, places: (LEFT, WIDTH - RIGHT) };
    let y = Scale { values, places: (HEIGHT - BELOW, TOP) };
    picture(html, HEIGHT, "curve", ("Training loss by step", says), |html| {
        for tick in ticks(values, 5.0) {
            let up = y.at(tick);
            line(html, "axis", (LEFT, up), (WIDTH - RIGHT, up));
            label(html, (LEFT - 6.0, up + 4.0), "end", "quiet", &number(tick));
        }
        for tick in ticks(steps, 5.0) {
            let across = x.at(tick);
            line(html, "axis", (across, HEIGHT - BELOW), (across, HEIGHT - BELOW + 4.0));
            label(html, (across, HEIGHT - BELOW + 16.0), "middle", "quiet", &number(tick));
        }
        label(html, (WIDTH / 2.0, HEIGHT - 4.0), "middle", "quiet", "step");
        let at =
            |point: &LossPoint| format!("{:.1} {:.1}", x.at(point.step as f64), y.at(point.loss));
        match points {
            [one] => dot(html, (x.at(one.step as f64), y.at(one.loss)), 4.0),
            many => {
                let places: Vec<String> = many.iter().map(at).collect();
                let path = format!("M{}", places.join("L"));
                html.void("path", &[("class", "curve"), ("d", &path)]);
            }
        }
    });
}

fn dot(html: &mut Html, (x, y): (f64, f64), radius: f64) {
    let [x, y, radius] = [x, y, radius].map(place);
    html.void("circle", &[("class", "dot"), ("cx", &x), ("cy", &y), ("r", &radius)]);
}

/// Means with their intervals, a row for each name; `own` is the one that all is about.
pub(super) fn whiskers(
    html: &mut Html,
    id: &str,
    rows: &[(&str, Spread)],
    own: &str,
    (title, says): (&str, &str),
) {
    const ROW: f64 = 26.0;
    let bottom = TOP + ROW * rows.len() as f64 + 4.0;
    let ends = rows.iter().flat_map(|(_, spread)| [spread.low, spread.mean, spread.high]);
    let values = range(ends.chain([0.0]), 0.08);
    let x = Scale { values, places: (NAMES, WIDTH - RIGHT) };
    picture(html, bottom + 34.0, id, (title, says), |html| {
        for tick in ticks(values, 4.0) {
            let across = x.at(tick);
            line(html, "axis", (across, TOP), (across, bottom + 4.0));
            label(html, (across, bottom + 16.0), "middle", "quiet", &number(tick));
        }
        line(html, "zero", (x.at(0.0), TOP - 8.0), (x.at(0.0), bottom));
        label(html, (NAMES, bottom + 30.0), "start", "quiet", "\u{2190} better");
        label(html, (WIDTH - RIGHT, bottom + 30.0), "end", "quiet", "worse \u{2192}");
        for (at, (name, spread)) in rows.iter().enumerate() {
            let up = TOP + ROW * (at as f64 + 0.5);
            let class = if *name == own { "own" } else { "other" };
            html.element("g", &[("class", class)], |html| whisker(html, &x, up, name, spread));
        }
    });
}

fn whisker(html: &mut Html, x: &Scale, up: f64, name: &str, spread: &Spread) {
    label(html, (NAMES - 8.0, up + 4.0), "end", "", name);
    let [low, high] = [spread.low, spread.high].map(|end| x.at(end));
    line(html, "whisker", (low, up), (high, up));
    for end in [low, high] {
        line(html, "whisker", (end, up - 5.0), (end, up + 5.0));
    }
    dot(html, (x.at(spread.mean), up), 4.5);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let check = |range: (f64, f64), expect: &[&str]| {
            let ticks: Vec<String> = ticks(range, 5.0).into_iter().map(number).collect();
            assert_eq!(ticks, expect, "{range:?}");
        };
        check((0.0, 1.0), &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        check((-0.16, 0.02), &["-0.15", "-0.1", "-0.05", "0"]);
        check((0.0, 1234.0), &["0", "500", "1000"]);
        check((1.44, 2.63), &["1.5", "2", "2.5"]);
    }

    #[test]
    fn ranges_have_a_width() {
        let check = |values: &[f64], expect: (f64, f64)| {
            assert_eq!(range(values.iter().copied(), 0.1), expect, "{values:?}");
        };
        check(&[], (0.0, 1.0));
        check(&[f64::NAN], (0.0, 1.0));
        check(&[2.0], (1.5, 2.5));
        check(&[0.0, 10.0], (-1.0, 11.0));
    }
}
