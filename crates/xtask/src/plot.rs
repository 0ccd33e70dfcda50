//! A plot of points as SVG, both axes logarithmic.
use std::fmt::Write as _;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 420.0;
/// What is left around the axes: left, right, top, below.
const EDGES: [f64; 4] = [64.0, 20.0, 20.0, 52.0];

/// Colours of the series, in order; they differ in grey, too.
const COLOURS: [&str; 3] = ["#0b5394", "#cc4125", "#6aa84f"];

/// Points that belong together.
pub(crate) struct Series {
    /// What the legend says.
    pub(crate) name: String,
    /// Each above zero.
    pub(crate) points: Vec<(f64, f64)>,
}

/// The picture; the names are those of the axes.
pub(crate) fn plot(names: (&str, &str), series: &[Series]) -> String {
    let all = || series.iter().flat_map(|one| &one.points);
    let (x, y) = (axis(all().map(|point| point.0)), axis(all().map(|point| point.1)));
    let [left, right, top, below] = EDGES;
    let at = |(px, py): (f64, f64)| {
        let across = left + share(px, x) * (WIDTH - left - right);
        (across, HEIGHT - below - share(py, y) * (HEIGHT - top - below))
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut put = |line: String| writeln!(svg, "{line}").expect("a string takes every write");
    for tick in ticks(x) {
        let (across, _) = at((tick, y.0));
        let (end, text) = (HEIGHT - below, HEIGHT - below + 18.0);
        put(format!("<path d=\"M{across:.1} {top}V{end}\" stroke=\"#ddd\"/>"));
        put(format!("<text x=\"{across:.1}\" y=\"{text}\" text-anchor=\"middle\">{tick}</text>"));
    }
    for tick in ticks(y) {
        let (_, up) = at((x.0, tick));
        let (end, text) = (WIDTH - right, left - 8.0);
        put(format!("<path d=\"M{left} {up:.1}H{end}\" stroke=\"#ddd\"/>"));
        put(format!("<text x=\"{text}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>", up + 4.0));
    }
    let (middle, low) = (WIDTH / 2.0, HEIGHT - 10.0);
    put(format!("<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{}</text>", names.0));
    let turned = format!("transform=\"translate(16 {}) rotate(-90)\"", HEIGHT / 2.0);
    put(format!("<text {turned} text-anchor=\"middle\">{}</text>", names.1));
    for (n, (one, colour)) in series.iter().zip(COLOURS).enumerate() {
        for point in &one.points {
            let (across, up) = at(*point);
            put(format!(
                "<circle cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"4\" fill=\"{colour}\" fill-opacity=\"0.6\"/>"
            ));
        }
        let (mark, up) = (left + 16.0, top + 16.0 + 20.0 * n as f64);
        put(format!("<circle cx=\"{mark}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>", up - 4.0));
        put(format!("<text x=\"{}\" y=\"{up}\">{}</text>", mark + 10.0, one.name));
    }
    put("</svg>".to_owned());
    svg
}

/// From one power of ten to another.
fn axis(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let low = 10f64.powf(low.log10().floor());
    (low, 10f64.powf(high.log10().ceil()).max(low * 10.0))
}

fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    (value / low).log10() / (high / low).log10()
}

/// 1, 2 and 5 of each power of ten.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let decades = (high / low).log10().round() as i32;
    let of = |decade: i32| [1.0, 2.0, 5.0].map(|n| round(n * low * 10f64.powi(decade)));
    (0..=decades).flat_map(of).filter(|tick| *tick <= high * 1.001).collect()
}

/// Without what a product of powers leaves behind the last digit.
fn round(value: f64) -> f64 {
    let scale = 10f64.powi(2 - value.log10().floor() as i32);
    (value * scale).round() / scale
}
