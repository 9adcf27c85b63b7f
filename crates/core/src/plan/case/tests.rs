//! Cases survive being written and read, and each error is reported at its place.

use proptest::prelude::*;

use super::*;
use crate::heap::{Field, Finalizer};

const REGISTERS: u32 = 5;
const ROOTS: u16 = 4;
const SHARED: u16 = 2;

fn op() -> impl Strategy<Value = Op> {
    let slot = || (0..REGISTERS).prop_map(Slot);
    let root = || (SHARED..ROOTS).prop_map(Global);
    let field = || (0_u8..2).prop_map(Field);
    let shape =
        || prop::sample::select(vec![Shape::Leaf, Shape::Node, Shape::List, Shape::Counter]);
    let finalizer = prop_oneof![
        Just(Finalizer::Witness),
        root().prop_map(Finalizer::Resurrect)
    ];
    let objects = prop_oneof![
        (slot(), shape()).prop_map(|(dst, shape)| Op::Alloc { dst, shape }),
        (slot(), shape(), finalizer).prop_map(|(dst, shape, finalizer)| Op::AllocFinalized {
            dst,
            shape,
            finalizer
        }),
        (slot(), slot()).prop_map(|(dst, src)| Op::Copy { dst, src }),
        slot().prop_map(|slot| Op::Clear { slot }),
        (slot(), slot(), field()).prop_map(|(dst, obj, field)| Op::Load { dst, obj, field }),
        (slot(), slot(), field()).prop_map(|(val, obj, field)| Op::Store { obj, field, val }),
        (slot(), field()).prop_map(|(obj, field)| Op::Erase { obj, field }),
        slot().prop_map(|slot| Op::Peek { slot }),
        (slot(), root()).prop_map(|(src, global)| Op::Publish { global, src }),
        (slot(), 0..ROOTS).prop_map(|(dst, root)| Op::Fetch {
            dst,
            global: Global(root)
        }),
        (slot(), slot()).prop_map(|(dst, src)| Op::Downgrade { dst, src }),
        (slot(), slot()).prop_map(|(dst, weak)| Op::Upgrade { dst, weak }),
    ];
    let lists = prop_oneof![
        (slot(), slot()).prop_map(|(list, val)| Op::Append { list, val }),
        (slot(), any::<u64>()).prop_map(|(list, note_above)| Op::Len { list, note_above }),
        (slot(), slot(), any::<u32>()).prop_map(|(dst, list, index)| Op::Get { dst, list, index }),
        (slot(), slot(), any::<u32>()).prop_map(|(val, list, index)| Op::Set { list, index, val }),
        (slot(), slot()).prop_map(|(dst, list)| Op::Pop { dst, list }),
        (slot(), any::<u64>()).prop_map(|(list, count)| Op::TruncateFront { list, count }),
        (slot(), any::<u64>()).prop_map(|(list, leave)| Op::TruncateFrontTo { list, leave }),
        (slot(), any::<u64>()).prop_map(|(list, count)| Op::TruncateBack { list, count }),
        (slot(), any::<u64>()).prop_map(|(list, leave)| Op::TruncateBackTo { list, leave }),
    ];
    let rest = prop_oneof![
        (slot(), any::<i64>()).prop_map(|(counter, by)| Op::Add { counter, by }),
        slot().prop_map(|counter| Op::Read { counter }),
        (slot(), any::<i64>()).prop_map(|(counter, add)| Op::WriteBack { counter, add }),
        (0_u32..60_000).prop_map(|millis| Op::Stall { millis }),
        prop::sample::select(vec![Op::Safepoint, Op::Collect, Op::Rejoin]),
    ];
    prop_oneof![objects, lists, rest]
}

fn case() -> impl Strategy<Value = Case> {
    let turn = || (0_u32..3, op()).prop_map(|(mutator, op)| Turn { mutator, op });
    let schedule = prop_oneof![
        Just(Schedule::Steps),
        Just(Schedule::Free),
        (prop::sample::select(Control::ALL.to_vec()), any::<bool>()).prop_map(|(by, is_kept)| {
            let kept = is_kept.then(|| "91028ff1".to_owned());
            Schedule::Controlled { by, kept }
        }),
    ];
    let turns = || prop::collection::vec(turn(), 1..20);
    let again = prop::sample::select(vec!["", "run", "run\n-D\na b=#1\n"]);
    let again = again.prop_map(|words| words.split('\n').map(str::to_owned).collect());
    let known = (
        prop::option::of(Just("lock-free".to_owned())),
        prop::option::of(prop::sample::select(Fault::ALL)),
        prop::option::of(Just("length".to_owned())),
        again.prop_map(|words: Vec<String>| if words == [""] { Vec::new() } else { words }),
    );
    (
        known,
        schedule,
        any::<u64>(),
        any::<bool>(),
        turns(),
        turns(),
    )
        .prop_map(
            |((heap, fault, check, again), schedule, seed, has_setup, setup, turns)| {
                let mut case = Case {
                    heap,
                    fault,
                    check,
                    again,
                    schedule,
                    seed,
                    setup: if has_setup { setup } else { Vec::new() },
                    turns,
                    ..Case::of_mutators(3, REGISTERS, ROOTS, 64)
                };
                for (name, shape) in [("l", Shape::List), ("c", Shape::Counter)] {
                    let name = name.to_owned();
                    case.shared.push(Shared { name, shape });
                }
                case.mutators[1].held = vec![(Slot(0), 0), (Slot(4), 1)];
                case
            },
        )
}

proptest! {
    /// Goal: a case that is written and read is the same, whatever is in it.
    #[test]
    fn survives_its_text(case in case()) {
        let text = case.to_string();
        prop_assert_eq!(Case::parse("case", &text).expect("it was written"), case, "{}", text);
    }

    /// Goal: no text makes the parser panic, however near it comes to a case.
    #[test]
    fn survives_any_text(case in case(), at in any::<prop::sample::Index>(), junk in "\\PC{0,6}") {
        let mut text = case.to_string();
        let at = at.index(text.len());
        let end = (at + junk.len()).min(text.len());
        text.replace_range(at..end, &junk);
        let _ = Case::parse("case", &text);
    }
}

/// What is replaced, by what, and the line, column and text of the error.
const WRONG: &[(&str, &str, usize, usize, &str)] = &[
    ("gcstorm-case 1", "gcstorm-case 2", 1, 14, "version `2`"),
    ("gcstorm-case 1", "hello", 1, 1, "not a case"),
    (
        "schedule steps",
        "schedule stops",
        2,
        10,
        "unknown schedule `stops`",
    ),
    ("seed 1", "seed -1", 3, 6, "`-1` is not a seed"),
    ("seed 1", "seed 1\nseed 2", 4, 1, "`seed` is given twice"),
    ("capacity 8", "capacity 0", 4, 10, "`0` is not a capacity"),
    ("roots 2", "", 6, 1, "after `roots`"),
    (
        "shared l list",
        "shared l heap",
        6,
        10,
        "unknown shape `heap`",
    ),
    ("holds r0=l", "holds r2=l", 7, 29, "no register 2"),
    (
        "holds r0=l",
        "holds r0=m",
        7,
        29,
        "unknown shared object `m`",
    ),
    ("mutator a", "mutator start", 7, 9, "begins another line"),
    (
        "a append r0 r1",
        "b append r0 r1",
        9,
        1,
        "unknown mutator `b`",
    ),
    (
        "a append r0 r1",
        "a apend r0 r1",
        9,
        3,
        "unknown operation `apend`",
    ),
    (
        "a append r0 r1",
        "a append r0 r2",
        9,
        13,
        "there is no `r2`",
    ),
    (
        "a append r0 r1",
        "a append r0",
        9,
        12,
        "the line ends where a register",
    ),
    (
        "a append r0 r1",
        "a append r0 r1 r1",
        9,
        16,
        "one word too many",
    ),
    (
        "a append r0 r1",
        "a publish g0 r1",
        9,
        3,
        "root 0 holds the shared `l`",
    ),
    ("a append r0 r1", "start", 9, 1, "`start` stands once"),
    ("seed 1\n", "", 8, 1, "the header has no `seed`"),
];

/// Goal: each error is reported where it is.
#[test]
fn complains_at_the_place() {
    let good = "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 8\nroots 2\nshared l list\n\
                mutator a registers 2 holds r0=l\n\na append r0 r1\n";
    assert!(Case::parse("case", good).is_ok());
    for &(from, to, line, column, message) in WRONG {
        let text = good.replacen(from, to, 1);
        let error = Case::parse("case", &text).expect_err(to);
        let place = (error.line(), error.column());
        assert_eq!(place, (line, column), "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

/// Goal: the name of a mutator or shared object that would fill a page is refused at its place.
#[test]
fn long_names_are_refused() {
    for (shared, mutator, line) in [(129, 1, 6), (1, 70_000, 7)] {
        let (shared, mutator) = ("l".repeat(shared), "m".repeat(mutator));
        let text = format!(
            "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 8\nroots 2\nshared {shared} list\n\
             mutator {mutator} registers 2\n"
        );
        let error = Case::parse("case", &text).expect_err("a name is too long");
        assert_eq!(
            (error.line(), error.message()),
            (line, "the name is too long")
        );
    }
}

/// Goal: programs that certainly leave no cycle behind are distinguished from those that may.
#[test]
fn cycles_are_foreseen() {
    let header = "gcstorm-case 1\nschedule free\nseed 1\ncapacity 8\nroots 2\n\
                  mutator a registers 4\n\n";
    for (turns, may) in [
        // The second pop finds nothing, so `r1` still refers to the node.
        (
            "a alloc r0 node\na copy r1 r0\na alloc r2 list\na alloc r3 leaf\na append r2 r3\n\
             a pop r3 r2\na pop r1 r2\na store r0 0 r1\n",
            true,
        ),
        ("a alloc r0 node\na store r0 0 r0\n", true),
        ("a alloc r0 node\na clear r0\n", false),
        ("a alloc r0 node\na alloc r1 node\na store r1 0 r0\n", false),
        ("a alloc r0 node\na copy r1 r0\na store r1 0 r0\n", true),
        // The store does nothing, so its operand is still there for the next one.
        (
            "a alloc r0 node\na copy r1 r0\na store r2 0 r0\na store r1 0 r0\n",
            true,
        ),
    ] {
        let case = Case::parse("case", &format!("{header}{turns}")).expect("it is in order");
        assert_eq!(case.may_leave_cycles(), may, "{turns}");
        let without = case.without_cycles();
        assert!(!without.may_leave_cycles(), "{turns}");
        assert_eq!(without == case, !may, "{turns}");
    }
}

/// Goal: facts about a shared object, on which checks rely, are claimed only where the program uses
/// it in no other way than through its registers.
#[test]
fn claims_only_what_is_clear() {
    let header = "gcstorm-case 1\nschedule free\nseed 1\ncapacity 8\nroots 2\nshared l list\n\
                  mutator a registers 3 holds r0=l\n\n";
    let usage = |turns: &str| {
        let text = format!("{header}{turns}");
        let case = Case::parse("case", &text).expect("it is in order");
        case.plan().objects[0].usage.clone()
    };
    let clear = usage("a alloc r1 leaf\na append r0 r1\na len r0\na fetch r0 g0\n");
    assert!(clear.fresh_only && clear.once && !clear.aliased);
    for clear in [
        "a copy r1 r0\na clear r1\n",
        "a fetch r1 g0\na len r1\n",
        "a downgrade r1 r0\na upgrade r2 r1\n",
    ] {
        assert!(!usage(clear).aliased, "{clear}");
    }
    for unclear in [
        "a copy r1 r0\na pop r2 r1\n",
        "a fetch r1 g0\na fetch r1 g1\na truncate-back r1 1\n",
        "a downgrade r1 r0\na upgrade r2 r1\na truncate-front r2 1\n",
        "a alloc r2 list\na copy r1 r0\na append r2 r1\n",
        "a copy r2 r0\na publish g1 r2\n",
        "a publish g1 r0\n",
        "a clear r0\n",
        "a append r0 r1\n",
        "a alloc r1 leaf\na append r0 r1\na append r0 r1\n",
    ] {
        let usage = usage(unclear);
        assert!(usage.aliased && !usage.fresh_only, "{unclear}");
    }
    for twice in [
        "a alloc r1 leaf\na append r0 r1\na pop r1 r0\na append r0 r1\n",
        "a alloc r1 leaf\na copy r2 r1\na append r0 r2\n",
        "a get r1 r0 0\na set r0 1 r1\n",
        // A heap without room leaves in the register what was popped before.
        "a alloc r1 leaf\na append r0 r1\na pop r1 r0\na alloc r1 leaf\na append r0 r1\n",
    ] {
        assert!(!usage(twice).once, "{twice}");
    }
}

/// Goal: a shared root counts as one into which no object gets twice only where every `publish`
/// moves the reference that `alloc` left, and nobody else puts anything there.
#[test]
fn claims_of_roots_only_what_is_clear() {
    let header = "gcstorm-case 1\nschedule free\nseed 1\ncapacity 8\nroots 3\nshared l list\n\
                  mutator a registers 3 holds r0=l\n\n";
    let once = |turns: &str| {
        let text = format!("{header}{turns}");
        let case = Case::parse("case", &text).expect("it is in order");
        crate::plan::Flow::of(&case.plan()).once
    };
    // The first is the root of a shared object.
    for clear in [
        "",
        "a alloc r1 leaf\na publish g1 r1\na fetch r1 g1\na clear r1\n",
        "a alloc r1 node\na copy r2 r1\na store r1 0 r2\na publish g1 r1\n",
    ] {
        assert_eq!(once(clear), [false, true, true], "{clear}");
    }
    for unclear in [
        "a alloc r1 leaf\na copy r2 r1\na publish g1 r2\na clear r1\n",
        "a alloc r1 leaf\na publish g2 r1\na fetch r1 g2\na publish g1 r1\n",
        "a alloc r1 leaf\na append r0 r1\na pop r1 r0\na publish g1 r1\n",
        "a alloc-finalized r1 node g1\na clear r1\n",
        // A heap without room leaves in the register what was fetched before.
        "a alloc r1 leaf\na publish g1 r1\na fetch r1 g1\n",
    ] {
        assert_eq!(once(unclear), [false, false, true], "{unclear}");
    }
    // An operation that does nothing may leave in its register something that is not known here.
    assert_eq!(once("a append r0 r1\n"), [false; 3]);
}
