//! Runs the example of the strategies, so that it stays true, and holds what it shows.

#[path = "../examples/strategies.rs"]
mod strategies;

#[test]
fn the_example_shows_what_each_strategy_is_good_at() {
    strategies::main();
    for (name, outcome) in strategies::outcomes() {
        let (least_exchanges, least_full) = match name {
            "bump" => (1, 40),
            "segregated fit" => (40_000, 55),
            "free list, next fit" => (40_000, 70),
            _ => (40_000, 95),
        };
        assert!(outcome.exchanges >= least_exchanges && outcome.full_percent >= least_full, "{name}");
    }
}
