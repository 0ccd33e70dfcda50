//! How the page looks: one sheet, two palettes, and what holds of both.
use std::fmt::Write as _;

/// A colour by what it is for: its name, in light, in dark.
type Colour = (&'static str, &'static str, &'static str);

/// What text stands on.
const GROUNDS: [Colour; 4] = [
    ("ground", "#ffffff", "#14171b"),
    ("panel", "#f4f5f7", "#1d2228"),
    ("added", "#e3f4e8", "#11301c"),
    ("removed", "#fdeae8", "#3a191b"),
];

/// What text is written in.
const INKS: [Colour; 5] = [
    ("ink", "#1b1f24", "#e6e9ed"),
    ("faint", "#4f5863", "#adb6c0"),
    ("good", "#0f5a26", "#6fe08a"),
    ("bad", "#97081f", "#ffa29b"),
    ("line", "#0a4fa3", "#8cc2ff"),
];

/// What only divides.
const RULE: Colour = ("rule", "#c9d0d8", "#3b444e");

/// The whole sheet.
pub(super) fn sheet() -> String {
    let mut sheet = String::from(":root{color-scheme:light dark;");
    let all = || GROUNDS.into_iter().chain(INKS).chain([RULE]);
    let mut put = |text: std::fmt::Arguments<'_>| {
        sheet.write_fmt(text).expect("a string takes every write");
    };
    all().for_each(|(name, light, _)| put(format_args!("--{name}:{light};")));
    put(format_args!("}}\n@media (prefers-color-scheme:dark){{:root{{"));
    all().for_each(|(name, _, dark)| put(format_args!("--{name}:{dark};")));
    put(format_args!("}}}}\n"));
    // On paper the light palette, whatever the screen has.
    put(format_args!("@media print{{:root{{color-scheme:light;"));
    all().for_each(|(name, light, _)| put(format_args!("--{name}:{light};")));
    put(format_args!("}}}}\n{RULES}"));
    sheet
}

const RULES: &str = "\
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:60rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}
footer{padding-bottom:3rem;color:var(--faint)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--rule)}
h3{font-size:1.05rem;margin:1.75rem 0 .5rem}
h4{font-size:1rem;margin:1.25rem 0 .4rem;overflow-wrap:anywhere}
p,ul,dl,figure{margin:0 0 1rem}
a{color:var(--line)}
a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--line);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;list-style:none}
.verdict{font-size:1.1rem;padding:.75rem 1rem;background:var(--panel);border-left:4px solid var(--line);overflow-wrap:anywhere}
.faint,figcaption,caption{color:var(--faint)}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.25rem 1rem}
dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere;min-width:0}
code,pre,td,th,dd,h1,h4,.verdict{unicode-bidi:isolate}
code,pre{font:.875em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:0 0 .75rem;padding:.6rem .75rem;background:var(--panel);white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
pre span{display:block}
.added{background:var(--added);color:var(--ink)}
.removed{background:var(--removed);color:var(--ink)}
.scroll{overflow-x:auto;margin:0 0 1rem}
table{border-collapse:collapse;min-width:min(100%,26rem);font-size:.9rem}
caption{text-align:left;padding:0 0 .4rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--rule)}
thead th{border-bottom-width:2px}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
figure svg{display:block;width:100%;max-width:32rem;height:auto}
figcaption{font-size:.9rem;margin-top:.25rem}
svg text{fill:var(--ink);font:11px system-ui,sans-serif}
svg .quiet{fill:var(--faint)}
svg .axis{stroke:var(--rule);stroke-width:1}
svg .zero{stroke:var(--faint);stroke-width:1.5;stroke-dasharray:3 3}
svg .curve{fill:none;stroke:var(--line);stroke-width:1.75;stroke-linejoin:round}
svg .whisker{stroke:var(--ink);stroke-width:1.5}
svg .dot{fill:var(--ground);stroke:var(--ink);stroke-width:1.75}
svg .own .dot{fill:var(--line);stroke:var(--line)}
svg .own .whisker{stroke:var(--line);stroke-width:2.5}
.columns{display:grid;gap:0 1.5rem}
.item{padding:.25rem 1rem .5rem;margin:0 0 1rem;border:1px solid var(--rule);min-width:0}
.columns div{min-width:0}
.columns div:only-child{grid-column:1/-1}
th.words,td.words{overflow-wrap:anywhere}
.columns p{margin-bottom:.25rem}
@media (min-width:48rem){.columns{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:30rem){th,td{padding-right:.5rem}th:last-child,td:last-child{padding-right:0}td.number{white-space:normal}table{font-size:.85rem}.item{padding:.25rem .6rem .5rem}}
@media print{body{font-size:11pt}nav{display:none}h2,h3,h4{break-after:avoid}figure,tr,.item{break-inside:avoid}.scroll{overflow:visible}pre,.verdict{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
";

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_ink_is_legible_on_every_ground() {
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        for (ground, light, dark) in GROUNDS {
            for (ink, ink_light, ink_dark) in INKS {
                let light = contrast(light, ink_light);
                let dark = contrast(dark, ink_dark);
                assert!(light >= 4.5 && dark >= 4.5, "{ink} on {ground}: {light:.2}, {dark:.2}");
            }
        }
    }
}
