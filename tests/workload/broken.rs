//! Broken workload files, and what their authors are told.

use gcstorm::workload::Workload;
use snapbox::{assert_data_eq, str};

/// A workload with nothing wrong; each case breaks it in one place.
const SOUND: &str = r#"
summary = "a test"
mailboxes = ["box"]
[parameters]
n = { default = 4, min = 1, max = 8, about = "a number" }
flag = { default = false }
mode = { default = "fast", choices = ["fast", "slow"] }
[objects]
items = "list"
total = "counter"
[limits]
live_objects = 1000
[require]
append = 1
[[threads]]
name = "worker"
loop = [
  { op = "append-new", list = "items" },
]
"#;

/// What is replaced, by what, and what is then said: `line:column: message | hint`.
const CASES: &[(&str, &str, &str)] = &[
    (
        r#"summary = "a test""#,
        r#"summary = "a test"#,
        r#"2:18: invalid basic string, expected `"` | "#,
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
rate = -5"#,
        "17:8: the rate of a thread must be from 0 to 1000000000, not -5 | ",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
rate = 2_000_000_000"#,
        "17:8: the rate of a thread must be from 0 to 1000000000, not 2000000000 | ",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
rate = 100.5"#,
        "17:8: `rate` must be a number or an expression, not a fraction | ",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
arrivals = "poisson""#,
        "17:1: `arrivals` describes how a `rate` is distributed in time, and there is no `rate` | add `rate = N`, in operations a second of each thread",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
rate = 100
arrivals = "poison""#,
        "18:12: unknown kind of arrivals `poison` | did you mean `poisson`? known are `constant`, `poisson`, `bursts`",
    ),
    (
        r#"summary = "a test""#,
        r#"sumary = "a test""#,
        "2:1: unknown key in the workload: `sumary` | did you mean `summary`? known are `summary`, `about`, `parameters`, `objects`, `mailboxes`, `limits`, `require`, `budget`, `notes`, `threads`",
    ),
    (
        r#"summary = "a test""#,
        "summary = 5",
        "2:11: `summary` must be a string, not an integer | ",
    ),
    (
        r#"summary = "a test"
"#,
        "",
        "1:1: the workload needs `summary` | add a line like `summary = \"two threads append to one \
         list\"`",
    ),
    (
        r#"[limits]
live_objects = 1000"#,
        r#"[limits]
live_objects = 0"#,
        "12:16: the limit of live objects must be from 1 to 268435456, not 0 | ",
    ),
    (
        "append = 1",
        r#"append = { least = 1, whne = "$flag" }"#,
        "14:23: unknown key in the bound of a counter: `whne` | did you mean `when`? known are `least`, `when`",
    ),
    (
        "append = 1",
        r#"append = { most = 1, when = "$flag" }"#,
        "14:12: unknown key in the bound of a counter: `most` | known are `least`, `when`",
    ),
    (
        "append = 1",
        "append = { least = 1 }",
        "14:10: the bound of a counter needs `when` | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "$n * 300_000_000""#,
        "12:17: the limit of live objects must be from 1 to 268435456, not 1200000000 | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = 1000
live_object = 1"#,
        "13:1: unknown key in the table of limits: `live_object` | did you mean `live_objects`? the only one here is `live_objects`",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "9223372036854775807 + $n""#,
        "12:17: the expression overflows 64 bits | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "1000 / ($n - 4)""#,
        "12:24: division by zero | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "1000 +""#,
        "12:23: expected a number, found the end | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "$m * 2""#,
        "12:17: unknown parameter `m` | did you mean `n`? known are `n`, `flag`, `mode`",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "n * 2""#,
        "12:17: unexpected `n` | a parameter is written `$n`",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "$flag * 2""#,
        "12:17: `$flag` is a flag, not a number | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "min(1000)""#,
        "12:25: expected `,`, found `)` | ",
    ),
    (
        "live_objects = 1000",
        r#"live_objects = "99999999999999999999""#,
        "12:17: `99999999999999999999` is not a 64-bit integer | ",
    ),
    (
        "default = 4, min",
        "default = 9, min",
        "5:17: `n` must be from 1 to 8, not 9 | ",
    ),
    (
        "min = 1, max = 8",
        "min = 8, max = 1",
        "5:35: `max` is below `min`, which is 8 | ",
    ),
    (
        "{ default = false }",
        "{ default = false, min = 1 }",
        "6:27: a flag takes no `min` | ",
    ),
    (
        r#"default = "fast", choices"#,
        r#"default = "fats", choices"#,
        "7:20: unknown choice `fats` | did you mean `fast`? known are `fast`, `slow`",
    ),
    (
        r#"items = "list""#,
        r#"items = "array""#,
        "9:9: unknown shape `array` | known are `leaf`, `node`, `list`, `counter`",
    ),
    (
        r#"items = "list""#,
        r#"Items = "list""#,
        "9:1: `Items` cannot be a name | a name is a lower-case letter, then lower-case letters, digits, `-` and `_`",
    ),
    (
        r#"mailboxes = ["box"]"#,
        r#"mailboxes = ["box", "box"]"#,
        "3:21: `box` is defined twice | ",
    ),
    (
        r#"append = 1
"#,
        r#"apend = 1
"#,
        "14:1: unknown counter `apend` | did you mean `append`?",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
count = 2000"#,
        "17:9: the number of `worker` threads must be from 0 to 1024, not 2000 | ",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
background = true"#,
        "16:8: all threads are in the background | such a run would end at once",
    ),
    (
        r#"name = "worker""#,
        r#"name = "worker"
rounds = 0"#,
        "17:10: `rounds` must be from 1 to 1000000000000, not 0 | ",
    ),
    (
        "[[threads]]",
        r#"[[notes]]
check = "lenght"
verdict = "violated"
text = "t"
[[threads]]"#,
        "16:9: unknown check `lenght` | did you mean `length`? known are `refcounts`, `dangling`, `premature`, `completeness`, `double-free`, `conservation`, `order`, `counter`, `length`, `answers`, `linearizable`, `poison`, `weak`, `finalizers`, `collector-state`, `progress`, `budget`, `capacity`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        "",
        "17:8: `worker` threads have nothing to do | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "appendnew", list = "items" },"#,
        "18:10: unknown operation `appendnew` | did you mean `append-new`? known are `alloc`, `alloc-finalized`, `copy`, `clear`, `load`, `store`, `erase`, `peek`, `safepoint`, `collect`, `append`, `len`, `get`, `set`, `pop`, `truncate-front`, `truncate-back`, `add`, `read`, `write-back`, `publish`, `fetch`, `downgrade`, `upgrade`, `append-new`, `reload`, `ring`, `chain`, `rejoin`, `stall`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc-finalized", dst = "x" },"#,
        "18:10: `alloc-finalized` needs `shape` | makes an object with a finalizer, which publishes it in the `mailbox`, if one is given",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc-finalized", dst = "x", shape = "leaf", mailbox = "bocks" },"#,
        "18:66: unknown mailbox `bocks` | the only one here is `box`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", lst = "items" },"#,
        "18:24: `append-new` takes no `lst` | did you mean `list`? known are `list`, `shape`, `op`, `times`, `when`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new" },"#,
        "18:10: `append-new` needs `list` | makes an object (a node unless `shape` says otherwise) and appends it",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "total" },"#,
        "18:31: `total` is never a list | no path through the program puts one there",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "item" },"#,
        "18:31: `item` is used before anything is put into it | nothing before this step of `worker` writes it",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "reload", object = "item" },"#,
        "18:29: unknown shared object `item` | did you mean `items`? known are `items`, `total`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "publish", mailbox = "bocks", src = "x" },"#,
        "18:31: unknown mailbox `bocks` | the only one here is `box`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append", list = "items", val = "x" },"#,
        "18:42: `x` is used before anything is put into it | nothing before this step of `worker` writes it",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "node" }, { op = "append", list = "items", val = "x" }, { op = "peek", slot = "x" },"#,
        "18:116: `x` is empty here: `append` before moved its reference away | `copy` it to another register first, if it is needed twice",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "node" }, { op = "store", obj = "x", field = 0, val = "x" },"#,
        "18:70: `x` would move into itself | `copy` it to another register and move that, so that the container stays in one",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "node" }, { op = "store", obj = "x", field = 2, val = "x" },"#,
        r#"18:83: a field is 0, 1 or "any" | "#,
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "leaf" }, { op = "erase", obj = "x", field = 0 },"#,
        "18:70: `x` is never a node | no path through the program puts one there",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "pop", list = "items", dst = "items" },"#,
        "18:39: `items` is a shared object and stays in its register | use another register, and `copy` the object there first if it is to move",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "pop", list = "items", dst = "x" }, { op = "peek", slot = "x" },"#,
        "18:68: there is never anything in `x` | no thread puts anything into where it is read from",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "node" }, { op = "upgrade", dst = "y", weak = "x" },"#,
        "18:84: `x` is not a weak reference | `downgrade` makes one",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "x", shape = "node" }, { op = "downgrade", dst = "y", src = "x" }, { op = "peek", slot = "y" },"#,
        "18:114: `y` is a weak reference | `upgrade` it to another register first",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items" },"#,
        "18:10: `truncate-front` needs one of `count` and `leave`, and not both | removes the first `count` elements, or all but the last `leave`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items", count = 1, leave = 1 },"#,
        "18:10: `truncate-front` needs one of `count` and `leave`, and not both | removes the first `count` elements, or all but the last `leave`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items", count = -1 },"#,
        "18:52: `count` must be from 0 to 4294967294, not -1 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items", count = { uniform = [5, 2] } },"#,
        "18:68: `count` must be from 5 to 4294967294, not 2 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items", count = { geometric = 0 } },"#,
        "18:66: the mean of `count` must be from 0.001 to 4294967294, not 0 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "truncate-front", list = "items", count = { gauss = 0 } },"#,
        "18:54: unknown key in the distribution: `gauss` | known are `uniform`, `geometric`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", times = 10_000_000_000_000 },"#,
        "18:48: the number of repetitions must be from 0 to 1000000000000, not 10000000000000 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", times = 0 },"#,
        "17:8: `worker` threads have nothing to do | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "alloc", dst = "new", shape = "leaf" }, { op = "rejoin" }, { op = "len", list = "items" }, { op = "peek", slot = "new" },"#,
        "18:123: `new` is empty here: `rejoin` before emptied every register | only shared objects are in their registers again",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "stall", ms = 0 },"#,
        "18:24: `ms` must be from 1 to 60000, not 0 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", when = "$mode == fats" },"#,
        "18:57: unknown choice `fats` | did you mean `fast`? known are `fast`, `slow`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", when = "$mode" },"#,
        "18:53: expected `==` or `!=`, found the end | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", when = "$n" },"#,
        "18:50: expected a comparison, found the end | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ op = "append-new", list = "items", repeat = 5 },"#,
        "18:40: `append-new` takes no `repeat` | known are `list`, `shape`, `op`, `times`, `when`",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        "{ repeat = 5 },",
        "18:3: a step needs one of `op`, `steps` and `mix` | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        "{ mix = [], steps = [] },",
        "18:5: a step with `steps` takes no `mix` | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ mix = [ { weight = 0, op = "safepoint" } ] },"#,
        "18:3: no arm of this mix has a weight above 0 | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        r#"{ mix = [ { op = "safepoint" } ] },"#,
        "18:13: the arm of a mix needs `weight` | ",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        "{ steps = [{ steps = [{ steps = [{ steps = [{ steps = [{ steps = [] }] }] }] }] }] },",
        "18:68: the steps are nested too deeply | there can be 6 levels",
    ),
    (
        r#"{ op = "append-new", list = "items" },"#,
        "5,",
        "18:3: `loop` must be a table, not an integer | ",
    ),
];

/// Goal: each mistake is told with its exact place, and with a way out.
#[test]
fn mistakes_are_told_with_their_place() {
    Workload::parse("sound.toml", SOUND).unwrap();
    let mut wrong = String::new();
    for (from, to, expected) in CASES {
        assert!(SOUND.contains(from), "{from}");
        let text = SOUND.replacen(from, to, 1);
        let told = match Workload::parse("broken.toml", &text) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => format!(
                "{}:{}: {} | {}",
                error.line(),
                error.column(),
                error.message(),
                error.hint().unwrap_or("")
            ),
        };
        if told != *expected {
            wrong += &format!("{to}\n    expected {expected}\n    told     {told}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Goal: what is shown is the line, the place and the way out, in one form for every kind of error.
#[test]
fn errors_are_shown_at_their_line() {
    let show = |from: &str, to: &str| {
        let text = SOUND.replacen(from, to, 1);
        Workload::parse("mine.toml", &text).unwrap_err().to_string()
    };
    let unknown = show("list = \"items\" }", "list = \"items\", tmies = 5 }");
    assert_data_eq!(
        unknown,
        str![[r#"
error: `append-new` takes no `tmies`
  --> mine.toml:18:40
   |
18 |   { op = "append-new", list = "items", tmies = 5 },
   |                                        ^^^^^
   |
   = help: did you mean `times`? known are `list`, `shape`, `op`, `times`, `when`
"#]]
    );
    assert_data_eq!(
        show("summary = \"a test\"", "summary = "),
        str![[r#"
error: string values must be quoted, expected literal string
 --> mine.toml:2:11
  |
2 | summary = 
  |           ^
"#]]
    );
    assert_data_eq!(
        show("default = 4, min", "default = \"$mode\", min"),
        str![[r#"
error: unknown parameter `mode`
 --> mine.toml:5:18
  |
5 | n = { default = "$mode", min = 1, max = 8, about = "a number" }
  |                  ^^^^^
  |
  = help: there are none here
"#]]
    );
    let workload = Workload::parse("mine.toml", SOUND).unwrap();
    let shown = workload.plan(&[("n".to_owned(), "12".to_owned())], 1);
    assert_data_eq!(
        shown.unwrap_err().to_string(),
        str![[r#"
error: `n` must be from 1 to 8, not 12
 --> command line:1:6
  |
1 | -D n=12
  |      ^^
"#]]
    );
}

/// Goal: a name that no workload has is answered with those that there are.
#[test]
fn unknown_names_are_answered_with_the_known() {
    let error = Workload::named("shard-list").unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown workload `shard-list`\nhelp: did you mean `shared-list`? known are \
         `shared-list`, `counter`, `churn`, `exact-lists`, `cycles`, `live-heap`, `chain`, \
         `many-references`, `handoff`, `graph`, `tangles`, `weakrefs`, `finalizers`, `thread-churn`, \
         `stalled-reader`, `paced-list`"
    );
    let error = Workload::named("no/such/file.toml")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("failed to read no/such/file.toml: "),
        "{error}"
    );
}

/// Goal: an expression of any length, wherever it stands, is refused at its place or evaluated, and
/// never overflows the stack.
#[test]
fn long_expressions_are_refused() {
    let places = [
        ("live_objects = 1000", ["live_objects = \"", "\""], 12),
        (
            "name = \"worker\"",
            ["name = \"worker\"\ncount = \"", "\""],
            17,
        ),
        (
            "list = \"items\" }",
            ["list = \"items\", when = \"", " > 0\" }"],
            18,
        ),
    ];
    for (from, to, line) in places {
        for (operator, terms) in [("+", 50_000), ("*", 50_000), ("-", 200_000)] {
            let text = SOUND.replacen(from, &to.join(&vec!["1"; terms].join(operator)), 1);
            let error = Workload::parse("broken.toml", &text).unwrap_err();
            assert_eq!(error.message(), "the expression is too long");
            assert_eq!(error.line(), line, "{from}");
        }
        let text = SOUND.replacen(from, &to.join(&vec!["1"; 400].join("*")), 1);
        Workload::parse("sound.toml", &text).unwrap();
    }
}

/// Goal: a name that would fill a page is refused at its place.
#[test]
fn long_names_are_refused() {
    for length in [65, 70_000] {
        let long = "a".repeat(length);
        for (from, to, line, column) in [
            ("\"worker\"", format!("\"{long}\""), 16, 8),
            ("items =", format!("{long} ="), 9, 1),
            ("n =", format!("{long} ="), 5, 1),
            ("\"box\"", format!("\"{long}\""), 3, 14),
        ] {
            let text = SOUND.replacen(from, &to, 1);
            let error = Workload::parse("broken.toml", &text).unwrap_err();
            let place = (error.line(), error.column());
            assert_eq!(
                (error.message(), place),
                ("the name is too long", (line, column))
            );
        }
    }
}

/// Goal: all mistakes of a file are told, in the order of its lines: what is wrong with its text, or
/// else with its sections, or else with what it plans. What only follows from another is left out.
#[test]
fn all_mistakes_are_told() {
    let broken = |pairs: &[(&str, &str)]| {
        let start = SOUND.to_owned();
        let text = pairs
            .iter()
            .fold(start, |text, (from, to)| text.replacen(from, to, 1));
        let defects = Workload::defects("broken.toml", &text);
        let told = defects
            .iter()
            .map(|it| format!("{}: {}", it.line(), it.message()));
        told.collect::<Vec<_>>()
    };
    let of_text = [("\"a test\"", "\"a test"), ("append = 1", "append = = 1")];
    let lines = broken(&of_text);
    assert!(lines[0].starts_with("2: ") && lines.last().is_some_and(|it| it.starts_with("14: ")));
    let of_sections = broken(&[
        ("summary", "sumary"),
        ("n = { default = 4, min", "n = { default = 4, mni"),
        ("items = \"list\"", "items = \"lst\""),
        ("live_objects = 1000", "live_objects = \"$m * 10\""),
        ("append = 1", "appendd = 1\npop = true"),
        (
            "op = \"append-new\", list = \"items\"",
            "op = \"append-new\", lst = \"items\", times = \"$k\"",
        ),
        (
            "loop = [",
            "lop = 1\ncount = \"$n\"\nloop = [\n  { op = \"safepoint\", what = 1 }, { repeat = 5 },",
        ),
    ]);
    assert_eq!(
        of_sections,
        [
            "1: the workload needs `summary`",
            "2: unknown key in the workload: `sumary`",
            "5: unknown key in the parameter: `mni`",
            "9: unknown shape `lst`",
            "12: unknown parameter `m`",
            "14: unknown counter `appendd`",
            "15: `pop` must be a number or an expression, not true or false",
            "18: unknown key in the group of threads: `lop`",
            "21: `safepoint` takes no `what`",
            "21: a step needs one of `op`, `steps` and `mix`",
            "22: `append-new` needs `list`",
            "22: `append-new` takes no `lst`",
            "22: unknown parameter `k`",
        ]
    );
    let of_plan = broken(&[(
        "{ op = \"append-new\", list = \"items\" }",
        "{ op = \"copy\", src = \"a\", dst = \"b\" }, { op = \"copy\", src = \"c\", dst = \"d\" }",
    )]);
    assert_eq!(of_plan.len(), 2, "{of_plan:?}");
    assert!(
        of_plan
            .iter()
            .all(|it| it.contains("is used before anything is put into it"))
    );
}
