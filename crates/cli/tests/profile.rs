//! The heap profile: what it says about programs whose memory is known, and that it is a profile as pprof wants it.

mod support;

use gort_cli::pprof::{Profile, Sample};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use support::{gort, preloaded, run, text};

/// Counts and bytes of the blocks of one size.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Totals {
    allocs: i64,
    alloc_bytes: i64,
    live: i64,
    live_bytes: i64,
}

fn mix() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    // As distributions compile: optimised, no frame pointers.
    PROGRAM.get_or_init(|| support::compile_with("mix", &["-O2", "-fomit-frame-pointer", "-g", "-ldl"]))
}

/// A fresh directory.
fn directory(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A part of the program under a rate and a level of checking, and its profile.
fn profile_of(part: &str, rate: u64, check: u8) -> (Profile, PathBuf) {
    let file = directory(&format!("{part}-{rate}-{check}")).join("heap.pb.gz");
    let (rate, check) = (rate.to_string(), check.to_string());
    let mut command = gort();
    command.args(["run", "--rate", &rate, "--check", &check, "--profile"]).arg(&file).arg("--").arg(mix());
    run(command.arg(part));
    (Profile::read(&file).unwrap(), file)
}

fn size_of(profile: &Profile, sample: &Sample) -> i64 {
    assert_eq!(sample.label.len(), 1);
    assert_eq!(profile.text(sample.label[0].key), "bytes");
    sample.label[0].num
}

fn by_size(profile: &Profile) -> HashMap<i64, Totals> {
    let mut sizes: HashMap<i64, Totals> = HashMap::new();
    for sample in &profile.sample {
        let totals = sizes.entry(size_of(profile, sample)).or_default();
        totals.allocs += sample.value[0];
        totals.alloc_bytes += sample.value[1];
        totals.live += sample.value[2];
        totals.live_bytes += sample.value[3];
    }
    sizes
}

/// What every profile has to hold.
fn check_shape(profile: &Profile, rate: u64) {
    let kinds: Vec<(&str, &str)> =
        profile.sample_type.iter().map(|each| (profile.text(each.kind), profile.text(each.unit))).collect();
    let wanted = [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(profile.string_table[0], "");
    assert_eq!(profile.text(profile.default_sample_type), "inuse_space");
    let period = profile.period_type.as_ref().unwrap();
    assert_eq!((profile.text(period.kind), profile.text(period.unit)), ("space", "bytes"));
    assert_eq!(profile.period, rate as i64);
    assert!(profile.time_nanos > 1_700_000_000_000_000_000);
    for (i, mapping) in profile.mapping.iter().enumerate() {
        assert_eq!(mapping.id, i as u64 + 1);
        assert!(
            mapping.memory_start < mapping.memory_limit && profile.text(mapping.filename).starts_with('/')
        );
    }
    for (i, location) in profile.location.iter().enumerate() {
        assert_eq!(location.id, i as u64 + 1);
        if location.mapping_id != 0 {
            let mapping = &profile.mapping[location.mapping_id as usize - 1];
            assert!((mapping.memory_start..mapping.memory_limit).contains(&location.address));
        }
    }
    for sample in &profile.sample {
        let [allocs, alloc_bytes, live, live_bytes] = sample.value[..] else { panic!("{sample:?}") };
        assert!(allocs > 0 && allocs >= live && live >= 0 && alloc_bytes >= live_bytes, "{sample:?}");
        assert!(sample.location_id.iter().all(|id| (1..=profile.location.len() as u64).contains(id)));
    }
}

/// An estimate of `count` blocks of `size` bytes has this standard deviation: each is sampled by itself with probability
/// `p`, and stands for `1 / p` blocks.
fn deviation(size: i64, count: i64, rate: u64) -> f64 {
    let p = 1.0 - (-(size as f64) / rate as f64).exp();
    (count as f64 * (1.0 - p) / p).sqrt()
}

#[test]
fn estimates_are_right_within_six_standard_deviations() {
    // One estimate is further off in two of a thousand million runs; here are 24.
    for rate in [512 << 10, 64 << 10] {
        let (profile, _) = profile_of("amounts", rate, 0);
        check_shape(&profile, rate);
        let sizes = by_size(&profile);
        for (size, allocs, live) in [
            (64, 400_000, 400_000),
            (1000, 60_000, 60_000),
            (20_000, 4_000, 4_000),
            (300_000, 400, 200),
            (128, 2_000_000, 0),
            (40_000, 10_000, 0),
        ] {
            let found = sizes[&size];
            for (name, estimate, truth) in [("allocs", found.allocs, allocs), ("live", found.live, live)] {
                let off = (estimate - truth) as f64;
                // Counts are rounded down, a bucket at a time.
                let most = 6.0 * deviation(size, truth, rate) + 8.0;
                assert!(off.abs() <= most, "rate {rate}, {size} bytes, {name}: {estimate} for {truth}");
            }
            let (count, bytes) = (found.live, found.live_bytes);
            assert!((bytes - count * size).abs() <= 8 * size, "{bytes} bytes of {count} blocks of {size}");
        }
    }
}

#[test]
fn a_rate_of_one_is_exact_also_under_checks() {
    for check in [0, 2, 3] {
        let (profile, _) = profile_of("exact", 1, check);
        check_shape(&profile, 1);
        let sizes = by_size(&profile);
        let exact =
            |allocs, live, size| Totals { allocs, alloc_bytes: allocs * size, live, live_bytes: live * size };
        assert_eq!(sizes[&100], exact(1000, 1000, 100));
        assert_eq!(sizes[&200], exact(1000, 0, 200));
        assert_eq!(sizes[&5_000_000], exact(1, 1, 5_000_000), "check {check}");
        let own = profile.sample.iter().filter(|sample| is_of_program(&profile, sample));
        let live: i64 = own.map(|sample| sample.value[3]).sum();
        assert_eq!(live, 1000 * 100 + 5_000_000, "check {check}: nothing is left of smaller vectors");
    }
}

#[test]
fn blocks_are_followed_across_threads() {
    let (profile, _) = profile_of("threads", 1, 0);
    let sizes = by_size(&profile);
    assert_eq!((sizes[&112].allocs, sizes[&112].live), (2000, 0));
    assert_eq!((sizes[&144].allocs, sizes[&144].live), (2000, 2000));
}

#[test]
fn a_child_writes_its_own_profile() {
    let dir = directory("forks");
    let mut command = gort();
    command.args(["run", "--rate", "1", "--profile"]).arg(dir.join("heap.%p.gz")).arg("--").arg(mix());
    run(command.arg("forks"));
    let mut found: Vec<[bool; 2]> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| {
            let sizes = by_size(&Profile::read(&entry.unwrap().path()).unwrap());
            [160, 176].map(|size| sizes.get(&size).is_some_and(|totals| totals.live == 500))
        })
        .collect();
    found.sort();
    assert_eq!(found, [[true, false], [true, true]]);
}

#[test]
fn sampled_blocks_are_freed_by_every_call() {
    for rate in [64 << 10, 1000] {
        let (profile, _) = profile_of("operators", rate, 0);
        // Blocks of the C library and of the loader may stay.
        let own: Vec<&Sample> =
            profile.sample.iter().filter(|sample| is_of_program(&profile, sample)).collect();
        assert!(own.len() > 100, "rate {rate}: {} samples", own.len());
        let stayed = own.iter().find(|sample| sample.value[2] != 0);
        assert_eq!(stayed, None, "rate {rate}");
    }
}

/// Whether the program itself made the call, rather than a library or the loader.
fn is_of_program(profile: &Profile, sample: &Sample) -> bool {
    let Some(id) = sample.location_id.first() else { return false };
    let mapping = profile.location[*id as usize - 1].mapping_id;
    mapping != 0 && profile.text(profile.mapping[mapping as usize - 1].filename) == mix().to_str().unwrap()
}

#[test]
fn the_profile_can_be_had_by_a_call() {
    let done = run(preloaded(mix()).env("GORT_PROFILE_RATE", "1").arg("by_call"));
    let profile = Profile::decode_any(&done.stdout).unwrap();
    check_shape(&profile, 1);
    assert_eq!(by_size(&profile)[&100].live, 1000);
}

#[test]
fn top_names_the_callers_without_frame_pointers() {
    let (_, file) = profile_of("amounts", 64 << 10, 0);
    let table = text(&run(gort().args(["top", "-n", "2", "--frames", "3"]).arg(&file)).stdout);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    let place = lines[2].split_once("% ").unwrap().1.trim_start();
    let names: Vec<&str> = place.split(" < ").map(|frame| frame.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["chain", "middle", "outer"], "{table}");
    assert!(place.contains("mix.c:"), "{table}");
    let table = text(&run(gort().args(["top", "--by", "allocated"]).arg(&file)).stdout);
    assert!(table.lines().nth(2).unwrap().contains("chain"), "{table}");
}

#[test]
fn top_passes_over_the_library_in_a_program_that_contains_it() {
    let archive = support::library().with_extension("a");
    let options = ["-O2", "-static", "-g", archive.to_str().unwrap()];
    if !archive.is_file() {
        return eprintln!("no libgort.a beside the library: not tried");
    }
    let program = support::compile_named("mix", "mix-static", &options);
    let file = directory("static").join("heap.pb.gz");
    run(Command::new(program).env("GORT_PROFILE_RATE", "64K").env("GORT_PROFILE", &file).arg("amounts"));
    let table = text(&run(gort().args(["top", "-n", "1", "--frames", "2"]).arg(&file)).stdout);
    let place = table.lines().nth(2).unwrap().split_once("% ").unwrap().1.trim_start();
    assert!(place.starts_with("chain mix.c:") && place.contains(" < middle mix.c:"), "{table}");
}

#[test]
fn the_official_tool_reads_it() {
    // Go's own, where there is one.
    let Ok(found) = Command::new("go").args(["tool", "-n", "pprof"]).stdin(Stdio::null()).output() else {
        return eprintln!("no go command here: not tried");
    };
    if !found.status.success() {
        return eprintln!("no pprof here: not tried");
    }
    let (_, file) = profile_of("amounts", 64 << 10, 0);
    let listing = text(&run(Command::new("go").args(["tool", "pprof", "-top"]).arg(&file)).stdout);
    assert!(listing.contains("Type: inuse_space") && listing.contains("chain"), "{listing}");
}
