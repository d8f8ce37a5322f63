//! `gort top`: the places of a heap profile that hold most memory.

use crate::Failure;
use crate::args::{By, Top};
use crate::pprof::{Location, Profile, Sample};
use crate::symbols::Symbols;
use crate::table::{Side, align, bytes};
use std::collections::HashMap;

/// What one place allocated.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Amounts {
    live_bytes: u64,
    live_blocks: u64,
    allocated_bytes: u64,
}

impl Amounts {
    fn add(&mut self, other: Self) {
        self.live_bytes += other.live_bytes;
        self.live_blocks += other.live_blocks;
        self.allocated_bytes += other.allocated_bytes;
    }

    fn key(&self, by: By) -> u64 {
        match by {
            By::Live => self.live_bytes,
            By::Allocated => self.allocated_bytes,
        }
    }
}

/// The table for a profile's file.
pub fn text(args: &Top) -> Result<String, Failure> {
    let profile = Profile::read(&args.file)?;
    table(&profile, args)
        .ok_or_else(|| Failure::own(format_args!("{}: a profile, but not of a heap", args.file.display())))
}

/// The table; `None` when the profile is not of a heap.
fn table(profile: &Profile, args: &Top) -> Option<String> {
    let columns = ["inuse_space", "inuse_objects", "alloc_space"].map(|kind| profile.value_index(kind));
    let amounts = |sample: &Sample| {
        let value =
            |column: Option<usize>| Some(u64::try_from(*sample.value.get(column?)?).unwrap_or_default());
        let [live_bytes, live_blocks, allocated_bytes] = columns;
        Some(Amounts {
            live_bytes: value(live_bytes)?,
            live_blocks: value(live_blocks)?,
            allocated_bytes: value(allocated_bytes)?,
        })
    };
    if columns.contains(&None) {
        return None;
    }
    let mut symbols = Symbols::new(profile);
    let locations: HashMap<u64, &Location> = profile.location.iter().map(|at| (at.id, at)).collect();
    let mut places: HashMap<String, Amounts> = HashMap::new();
    let mut total = Amounts::default();
    for sample in &profile.sample {
        let amounts = amounts(sample)?;
        total.add(amounts);
        let stack =
            sample.location_id.iter().filter_map(|id| locations.get(id)).skip_while(|at| symbols.is_own(at));
        let stack: Vec<_> = stack.take(args.frames as usize).collect();
        let names: Vec<String> = stack.iter().map(|at| symbols.name(at).to_string()).collect();
        let place = if names.is_empty() { "(no stack)".into() } else { names.join(" < ") };
        places.entry(place).or_default().add(amounts);
    }
    let mut places: Vec<(String, Amounts)> = places.into_iter().collect();
    places.sort_by(|a, b| b.1.key(args.by).cmp(&a.1.key(args.by)).then_with(|| a.0.cmp(&b.0)));
    Some(render(profile.period, args, &total, &places))
}

fn render(period: i64, args: &Top, total: &Amounts, places: &[(String, Amounts)]) -> String {
    let whole = total.key(args.by).max(1) as f64;
    let share = |amounts: &Amounts| format!("{:.1}%", amounts.key(args.by) as f64 * 100.0 / whole);
    let line = |amounts: &Amounts, place: &str| {
        [
            bytes(amounts.live_bytes),
            amounts.live_blocks.to_string(),
            bytes(amounts.allocated_bytes),
            share(amounts),
            place.to_string(),
        ]
    };
    let mut rows = vec![["live", "blocks", "allocated", "share", "place"].map(String::from)];
    rows.extend(places.iter().take(args.count).map(|(place, amounts)| line(amounts, place)));
    rows.push(line(total, "(all)"));
    let sides = [Side::Right, Side::Right, Side::Right, Side::Right, Side::Left];
    let rate = bytes(u64::try_from(period).unwrap_or_default());
    format!("heap profile, one sample in {rate}, {} places\n{}", places.len(), align(sides, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pprof::ValueType;

    fn profile(samples: &[(&[u64], [i64; 4])]) -> Profile {
        let names = ["", "alloc_objects", "alloc_space", "inuse_objects", "inuse_space"];
        Profile {
            string_table: names.map(String::from).to_vec(),
            sample_type: (1..=4).map(|kind| ValueType { kind, unit: 0 }).collect(),
            location: (1..=3).map(|id| Location { id, mapping_id: 0, address: id << 12 }).collect(),
            sample: samples
                .iter()
                .map(|(stack, value)| Sample {
                    location_id: stack.to_vec(),
                    value: value.to_vec(),
                    label: vec![],
                })
                .collect(),
            period: 512 << 10,
            ..Profile::default()
        }
    }

    fn rows(profile: &Profile, by: By, frames: u32, count: usize) -> Vec<String> {
        let text = table(profile, &Top { count, by, frames, file: "x".into() }).unwrap();
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn places_are_summed_and_sorted() {
        let profile = profile(&[
            (&[1, 3], [10, 1000, 1, 100]),
            (&[2, 3], [1, 300, 1, 300]),
            (&[1, 2], [1, 50, 1, 50]),
            (&[], [1, 50, 1, 50]),
        ]);
        assert_eq!(
            rows(&profile, By::Live, 1, 9),
            [
                "heap profile, one sample in 512.0 KiB, 3 places",
                "live blocks allocated share place",
                "300 B 1 300 B 60.0% 0x2000",
                "150 B 2 1.0 KiB 30.0% 0x1000",
                "50 B 1 50 B 10.0% (no stack)",
                "500 B 4 1.4 KiB 100.0% (all)",
            ]
        );
        assert_eq!(rows(&profile, By::Allocated, 1, 1)[2], "150 B 2 1.0 KiB 75.0% 0x1000");
        assert_eq!(rows(&profile, By::Live, 2, 9)[3], "100 B 1 1000 B 20.0% 0x1000 < 0x3000");
    }

    #[test]
    fn another_kind_of_profile_is_refused() {
        let mut profile = profile(&[]);
        profile.sample_type.truncate(2);
        assert_eq!(table(&profile, &Top { count: 1, by: By::Live, frames: 1, file: "x".into() }), None);
    }
}
