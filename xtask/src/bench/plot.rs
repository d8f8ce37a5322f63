//! The plot: a panel for time and one for peak memory, a row for each workload, a point for each allocator.
//!
//! The axis is logarithmic and counts in ratios to the best peer; what lies beyond its end is drawn at the end.

use super::allocators::Allocator;
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

const OWN: RGBColor = RGBColor(200, 30, 45);
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
    if Allocator::is_own(name) { OWN } else { PEERS[before % PEERS.len()] }
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
    let label = |row: &f64| name_at(summary, *row);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .x_labels(8)
        .y_labels(0)
        .x_label_formatter(&|x| format!("{x}"))
        .draw()?;
    for row in 0..rows {
        let y = row as f64 + 0.5;
        chart.draw_series(LineSeries::new([(AXIS.start, y), (AXIS.end, y)], FAINT))?;
        if names {
            let style = ("sans-serif", 13).into_font().color(&INK);
            let at = chart.backend_coord(&(AXIS.start, y));
            let origin = area.get_base_pixel();
            area.draw(&Text::new(label(&y), (at.0 - origin.0 - 116, at.1 - origin.1 - 8), style))?;
        }
    }
    chart.draw_series(LineSeries::new([(1.0, 0.0), (1.0, rows as f64)], INK.mix(0.6)))?;
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

fn name_at(summary: &Summary, row: f64) -> String {
    let index = row.floor().max(0.0) as usize;
    summary.workloads.get(index).map_or_else(|| "geometric mean".to_owned(), |w| w.name.to_owned())
}
