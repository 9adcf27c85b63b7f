//! Parameters: what `-D` does to a plan, and what it may not do.

use gcstorm::heap::Shape;
use gcstorm::plan::{Flow, ListUsage, Plan};
use gcstorm::workload::{Diagnostic, Workload};

fn plan(name: &str, options: &[(&str, &str)]) -> Result<Plan, Diagnostic> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let overrides: Vec<_> = options.iter().map(owned).collect();
    Workload::embedded(name)
        .expect("it comes with the program")?
        .plan(&overrides, 1)
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.mutators
        .iter()
        .map(|mutator| mutator.name.as_str())
        .collect()
}

/// Goal: the number of threads reaches the groups, and what it was set to is on record.
#[test]
fn threads_scale() {
    assert_eq!(
        names(&plan("shared-list", &[]).unwrap()),
        ["appender-0", "watcher-0"]
    );
    let five = plan("shared-list", &[("threads", "5")]).unwrap();
    let expected = [
        "appender-0",
        "appender-1",
        "watcher-0",
        "watcher-1",
        "watcher-2",
    ];
    assert_eq!(names(&five), expected);
    assert_eq!(five.parameters["threads"], "5");
    assert_eq!(five.parameters["cut"], "50000");
    assert!(five.mutators[4].background && !five.mutators[0].background);
}

/// Goal: defaults are worked out from other parameters, and the last word counts.
#[test]
fn derived_defaults_follow() {
    let plan = plan("shared-list", &[("batch", "5"), ("batch", "2_000")]).unwrap();
    assert_eq!(plan.parameters["batch"], "2000");
    assert_eq!(plan.parameters["cut"], "1000");
}

/// Goal: whatever cannot be is refused before anything runs, at the option itself.
#[test]
fn bad_options_are_refused() {
    let cases = [
        ("shared-list", "thread", "2", "unknown parameter `thread`"),
        (
            "shared-list",
            "threads",
            "1",
            "`threads` must be from 2 to 64, not 1",
        ),
        (
            "shared-list",
            "threads",
            "two",
            "`threads` must be an integer",
        ),
        (
            "shared-list",
            "bounded",
            "yes",
            "`bounded` must be `true` or `false`",
        ),
        (
            "counter",
            "increment",
            "slit",
            "`increment` cannot be `slit`",
        ),
        ("counter", "batch", "", "`batch` must be an integer"),
    ];
    for (workload, key, value, expected) in cases {
        let error = plan(workload, &[(key, value)]).unwrap_err();
        assert_eq!(error.message(), expected);
        assert_eq!(
            (error.path(), error.line()),
            ("command line", 1),
            "{expected}"
        );
    }
    let hint = plan("shared-list", &[("thread", "2")]).unwrap_err();
    assert!(
        hint.hint()
            .unwrap()
            .starts_with("did you mean `threads`? known are `threads`, ")
    );
    // In range one by one, and yet too much together: told where the sum is made.
    let options = [("threads", "64"), ("batch", "10000000")];
    let error = plan("shared-list", &options).unwrap_err();
    assert_eq!(error.path(), "workloads/shared-list.toml");
    assert!(
        error
            .message()
            .starts_with("the limit of live objects must be from 1 to 268435456")
    );
}

/// Goal: notes are there only when they apply.
#[test]
fn notes_follow_their_condition() {
    let text = |increment| {
        let plan = plan("counter", &[("increment", increment)]).unwrap();
        assert_eq!(plan.notes.len(), 1);
        plan.notes[0].text.clone()
    };
    assert!(text("split").contains("CPython before 3.10"));
    assert!(text("whole").contains("does not add atomically"));
}

/// Goal: a requirement under a condition is there only when that holds.
#[test]
fn requirements_follow_their_condition() {
    for (increment, asked, not) in [("whole", "add", "write"), ("split", "write", "add")] {
        let plan = plan("counter", &[("increment", increment), ("batch", "70")]).unwrap();
        let least = |counter| {
            let mut required = plan.require.iter();
            required.find(|r| r.counter == counter).map(|r| r.at_least)
        };
        assert_eq!((least(asked), least(not)), (Some(70), None), "{increment}");
    }
}

/// Goal: checks learn what they may conclude from a list, and no more than that.
#[test]
fn list_usage_is_found_out() {
    let usage = |name: &str, object: usize| {
        let plan = plan(name, &[]).unwrap();
        assert_eq!(plan.objects[object].shape, Shape::List);
        plan.objects[object].usage.clone()
    };
    let watched = ListUsage {
        appenders: vec![0],
        writers: vec![0],
        fresh_only: true,
        once: true,
        gapless: true,
        truncates_front: true,
        ..ListUsage::default()
    };
    assert_eq!(usage("shared-list", 0), watched);
    let churned = usage("churn", 0);
    assert_eq!(
        (churned.appenders, churned.writers),
        (vec![0, 1], vec![0, 1])
    );
    assert!(churned.sets && churned.pops && churned.truncates_back);
    assert!(!churned.fresh_only && !churned.gapless);
    // What is set into it is as new as what is appended.
    assert!(churned.once);
    // Nobody sets in the other list, so its elements stay in order, but pops leave gaps.
    let values = usage("churn", 1);
    assert!(values.fresh_only && !values.gapless && !values.sets);
    // Parents follow their children in each producer's order, though not without gaps.
    let handed = usage("handoff", 0);
    assert!(handed.fresh_only && !handed.gapless && handed.pops && handed.once);
    // A ring's first node is older than its last.
    assert!(!usage("live-heap", 0).fresh_only);
}

/// Goal: no object gets into a mailbox twice, so what it answers can be judged in every run; where
/// finalizers put objects into one, that is not known.
#[test]
fn mailboxes_are_filled_with_new_objects() {
    for name in [
        "handoff",
        "tangles",
        "thread-churn",
        "weakrefs",
        "finalizers",
    ] {
        let plan = plan(name, &[]).unwrap();
        let once = Flow::of(&plan).once;
        let of_objects = plan.objects.len();
        assert!(once[..of_objects].iter().all(|once| !once), "{name}");
        let mailboxes = &once[of_objects..];
        let expected = name != "finalizers";
        assert!(mailboxes.iter().all(|&once| once == expected), "{name}");
    }
}

/// Goal: a loop that may be run no time is not counted on: what was in a register before it may be
/// in there after it.
#[test]
fn loops_may_be_passed_over() {
    let once = |times: &str| {
        let fresh = format!(
            r#"{{ repeat = {times}, steps = [
  {{ op = "clear", slot = "it" }},
  {{ op = "alloc", dst = "it", shape = "leaf" }},
] }}"#
        );
        let text = format!(
            r#"
summary = "objects that were there before, unless a loop makes new ones"
mailboxes = ["box"]
[objects]
work = "list"
[limits]
live_objects = 1000
[[threads]]
name = "only"
loop = [
  {{ op = "pop", list = "work", dst = "it" }},
  {fresh},
  {{ op = "append", list = "work", val = "it" }},
  {{ op = "fetch", dst = "it", mailbox = "box" }},
  {fresh},
  {{ op = "publish", src = "it", mailbox = "box" }},
]
"#
        );
        let workload = Workload::parse("test.toml", &text).unwrap();
        let plan = workload.plan(&[], 1).unwrap();
        let flow = Flow::of(&plan);
        (flow.usage[0].once, flow.once[1])
    };
    assert_eq!(once("3"), (true, true));
    assert_eq!(once("{ uniform = [1, 2] }"), (true, true));
    assert_eq!(once("{ uniform = [0, 1] }"), (false, false));
    assert_eq!(once("{ geometric = 1.0 }"), (false, false));
}

/// Goal: a heap is asked for no more than a program makes use of.
#[test]
fn needs_are_found_out() {
    let needs = |name: &str| Workload::embedded(name).unwrap().unwrap().needs;
    assert!(!needs("shared-list").cycles && needs("shared-list").lists);
    assert!(needs("counter").counters && !needs("counter").lists);
    for name in ["churn", "chain", "handoff"] {
        assert!(!needs(name).cycles, "{name} makes no cycles");
    }
    for name in ["cycles", "live-heap", "graph"] {
        assert!(needs(name).cycles, "{name} makes cycles");
    }
    assert!(!needs("chain").threads && !needs("chain").globals);
    assert!(needs("handoff").threads && needs("handoff").globals);
    let without = |name: &str, parameters: &[&str]| {
        let zero = |name: &&str| ((*name).to_owned(), "0".to_owned());
        let overrides: Vec<_> = parameters.iter().map(zero).collect();
        let workload = Workload::named(name).unwrap();
        workload.plan(&overrides, 1).unwrap().needs()
    };
    assert!(needs("thread-churn").cycles && !without("thread-churn", &["rings"]).cycles);
    let plain = without("finalizers", &["weak", "rings"]);
    assert!(plain.finalizers && !plain.weak && !plain.cycles);
}

/// Goal: expressions come to what arithmetic says.
#[test]
fn expressions_are_worked_out() {
    let cases = [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("100 / 7 % 5", 4),
        ("-7 / 2 + 10", 7),
        ("min(3, 5) * max(3, 5)", 15),
        ("max($a, $b) - min($a, $b)", 8),
        ("1_000 * $a--$a", 4004),
        ("  $b  ", 12),
    ];
    for (expression, expected) in cases {
        let text = format!(
            "summary = \"s\"\nparameters.a = {{ default = 4 }}\n\
             parameters.b = {{ default = \"$a * 3\" }}\nlimits.live_objects = \"{expression}\"\n\
             [[threads]]\nname = \"t\"\nloop = [{{ op = \"safepoint\" }}]\n"
        );
        let plan = Workload::parse("sum.toml", &text)
            .unwrap()
            .plan(&[], 1)
            .unwrap();
        assert_eq!(plan.live_limit, expected, "{expression}");
    }
}
