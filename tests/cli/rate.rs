//! Open loops, as their users meet them.

use crate::harness::Place;

const ADDERS: &str = r#"
summary = "two threads add"
[objects]
total = "counter"
[limits]
live_objects = 10
[[threads]]
name = "adder"
count = 2
loop = [{ op = "add", counter = "total" }]
"#;

/// Goal: offered and achieved are shown, response times only where the rate was achieved, and the
/// line to do it again has the rate.
#[test]
fn rates_are_shown() {
    let place = Place::new();
    place.write("adders.toml", ADDERS);
    for (rate, budget) in [
        ("400", "--duration 500ms"),
        ("400,poisson", "--ops 200"),
        ("400,bursts", "--ops 200 --timing sampled"),
        ("400", "--ops 200 --timing off"),
        ("1000000000", "--ops 20000"),
    ] {
        let done = place.run(&format!(
            "run adders.toml {budget} --rate {rate} --seed 3 --out o -v"
        ));
        let done = done
            .code(0)
            .says("rate: offered ")
            .says(&format!(" --rate {rate}"));
        let result = place.result("o/result.json");
        let rate = result.rate.expect("there was a rate");
        assert_eq!(rate.threads, 2);
        let add = &result.ops["add"];
        let timed = add.service.as_ref().map(gcstorm::evidence::Latency::count);
        let responses = add.response.as_ref().map(gcstorm::evidence::Latency::count);
        let saturated = done.out.contains("note: saturated: ");
        assert_eq!(saturated, rate.saturated, "{}", done.out);
        assert_eq!(
            done.out.contains("\nresponse"),
            responses.is_some(),
            "{}",
            done.out
        );
        assert_eq!(responses, timed.filter(|_| !saturated));
        if budget == "--ops 20000" {
            assert!(rate.saturated);
        }
        place.remove("o");
    }
}

/// Goal: a workload may have rates of its own, for all threads or some, and `--rate` replaces them.
#[test]
fn workloads_have_rates() {
    let place = Place::new();
    let rate = |line: &str| {
        let done = place.run(&format!("run {line} --seed 3 --out o"));
        assert!(matches!(done.code, Some(0 | 3)), "{}{}", done.out, done.err);
        let rate = place.result("o/result.json").rate;
        place.remove("o");
        rate
    };
    assert_eq!(
        rate("paced-list --duration 200ms -D rate=500").map(|rate| rate.threads),
        Some(2)
    );
    assert_eq!(rate("paced-list --duration 200ms -D rate=0"), None);
    assert_eq!(rate("counter --rounds 1"), None);
    let replaced = rate("paced-list --duration 50ms -D rate=10 --rate 1000000000");
    assert!(replaced.is_some_and(|rate| rate.offered_per_second > 9e8));

    place.write(
        "mixed.toml",
        "summary = \"x\"\n[limits]\nlive_objects = 10\n[[threads]]\nname = \"paced\"\nrate = 200\n\
         loop = [{ op = \"safepoint\" }]\n[[threads]]\nname = \"free\"\nbackground = true\n\
         loop = [{ op = \"safepoint\" }]\n",
    );
    assert_eq!(
        rate("mixed.toml --duration 200ms").map(|rate| rate.threads),
        Some(1)
    );
    place.run("check mixed.toml paced-list").code(0);
}

/// Goal: what would hold paced threads up on our account is refused, as are rates that are none.
#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    let cases = [
        ("run counter --rate 0", "at least 1"),
        ("run counter --rate 2000000000", "at most 1000000000"),
        (
            "run counter --rate 50,often",
            "`constant`, `poisson`, `bursts`",
        ),
        (
            "run counter --rate 50 --verify every=100",
            "--rate does not go with --verify every=N",
        ),
        (
            "run counter --rate 50 --history",
            "--rate does not go with --history",
        ),
        (
            "run paced-list --history",
            "the rate of workload `paced-list` does not go with --history",
        ),
        ("run --case x.case --rate 50", "cannot be used with"),
        ("run counter --repeat 0", "at least 1"),
    ];
    for (line, expected) in cases {
        place.run(line).code(2).warns(expected);
    }
    assert!(place.files().is_empty());
}
