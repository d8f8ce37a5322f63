//! The plot: a panel for time and one for peak memory, a row for each workload, a point for each allocator.
//!
//! The axis is logarithmic and counts in ratios to the best peer; what lies beyond its end is drawn at the end.

use super::allocators::{Allocator, GORT};
use super::summary::{Figure, Summary};
use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: u32 = 1100;
const ROW: u32 = 19;
/// Above and below the rows: title and legend, axis.
const MARGIN: u32 = 96;
/// The ratios that the axis shows.
const AXIS: std::ops::Range<f64> = 0.5..6.0;

/// The ratios that have a line and a number.
const TICKS: [f64; 7] = [0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0];

const OWN: RGBColor = RGBColor(200, 30, 45);
/// gort with options.
const OWN_OTHER: RGBColor = RGBColor(245, 150, 160);
const INK: RGBColor = RGBColor(40, 40, 48);
const FAINT: RGBColor = RGBColor(222, 222, 228);
const PEERS: [RGBColor; 8] = [
    RGBColor(31, 119, 180),
    RGBColor(120, 180, 230),
    RGBColor(44, 140, 60),
    RGBColor(230, 150, 20),
    RGBColor(130, 90, 180),
    RGBColor(140, 100, 80),
    RGBColor(130, 130, 136),
    RGBColor(20, 170, 180),
];

pub(crate) fn svg(summary: &Summary) -> Result<String> {
    let mut text = String::new();
    let height = MARGIN + ROW * u32::try_from(summary.workloads.len() + 1)?;
    {
        let all = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        all.fill(&WHITE)?;
        let (head, body) = all.split_vertically(34);
        legend(&head, summary)?;
        let (left, right) = body.split_horizontally(WIDTH * 11 / 20);
        panel(&left, summary, Figure::Time, "time, fastest peer = 1", true)?;
        panel(&right, summary, Figure::Peak, "peak memory, smallest peer = 1", false)?;
        all.present()?;
    }
    Ok(text)
}

fn colour(summary: &Summary, allocator: usize) -> RGBColor {
    let name = &summary.allocators[allocator];
    let before = summary.allocators[..allocator].iter().filter(|n| !Allocator::is_own(n)).count();
    match name.as_str() {
        GORT => OWN,
        own if Allocator::is_own(own) => OWN_OTHER,
        _ => PEERS[before % PEERS.len()],
    }
}

fn legend(area: &Area<'_>, summary: &Summary) -> Result<()> {
    let step = i32::try_from(WIDTH)? / i32::try_from(summary.allocators.len() + 1)?;
    for (a, name) in summary.allocators.iter().enumerate() {
        let x = step / 2 + step * i32::try_from(a)?;
        area.draw(&Circle::new((x, 20), 5, colour(summary, a).filled()))?;
        area.draw(&Text::new(name.clone(), (x + 10, 14), ("sans-serif", 14).into_font().color(&INK)))?;
    }
    Ok(())
}

/// Rows count from the top: a row's middle is at its index and a half. The last row holds the geometric means.
fn panel(area: &Area<'_>, summary: &Summary, figure: Figure, title: &str, names: bool) -> Result<()> {
    let rows = summary.workloads.len() + 1;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15).into_font().color(&INK))
        .x_label_area_size(26)
        .y_label_area_size(if names { 120 } else { 12 })
        .margin_right(14)
        .build_cartesian_2d(AXIS.log_scale(), rows as f64..0.0)?;
    let style = ("sans-serif", 13).into_font().color(&INK);
    let origin = area.get_base_pixel();
    for tick in TICKS {
        let line = if tick == 1.0 { INK.mix(0.6) } else { FAINT.mix(1.0) };
        chart.draw_series(LineSeries::new([(tick, 0.0), (tick, rows as f64)], line))?;
        let at = chart.backend_coord(&(tick, rows as f64));
        area.draw(&Text::new(format!("{tick}"), (at.0 - origin.0 - 7, at.1 - origin.1 + 6), style.clone()))?;
    }
    for row in 0..rows {
        let y = row as f64 + 0.5;
        chart.draw_series(LineSeries::new([(AXIS.start, y), (AXIS.end, y)], FAINT))?;
        if names {
            let at = chart.backend_coord(&(AXIS.start, y));
            let label = summary.workloads.get(row).map_or("geometric mean", |w| w.name);
            area.draw(&Text::new(label, (at.0 - origin.0 - 116, at.1 - origin.1 - 8), style.clone()))?;
        }
    }
    // gort last, so that no peer covers it.
    for a in (0..summary.allocators.len()).rev() {
        let point = |row: usize| {
            let ratio =
                if row + 1 < rows { summary.ratio(row, a, figure) } else { summary.mean_to_best(a, figure) };
            (ratio.clamp(AXIS.start, AXIS.end), row as f64 + 0.5)
        };
        let size = if Allocator::is_own(&summary.allocators[a]) { 5 } else { 3 };
        let style = colour(summary, a).mix(0.9).filled();
        chart.draw_series((0..rows).map(|row| Circle::new(point(row), size, style)))?;
    }
    Ok(())
}
