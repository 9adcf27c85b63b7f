//! Soaks: what is written down, what is kept, and what survives a kill.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};

use gcstorm::result::Outcome;
use gcstorm::soak::{Came, Record};

use crate::children::{LEAVES_EARLY, inhabitants, signal_all};
use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until};

/// What was written down.
fn journal(place: &Place) -> Vec<Record> {
    let mut records = Vec::new();
    let read = gcstorm::soak::read(&place.path().join("o/journal"), |record| {
        records.push(record);
    });
    assert!(!read.expect("it can be read").was_cut);
    records
}

/// How many lines the journal has so far, the two of its head among them.
fn lines(place: &Place) -> usize {
    let text = std::fs::read_to_string(place.path().join("o/journal"));
    text.map_or(0, |text| text.lines().count())
}

/// What a soak in which nothing failed ends with. On a busy machine, rounds as short as these may
/// not come to do what is required of them.
#[track_caller]
fn sound(records: &[Record]) -> i32 {
    let all = |outcome| {
        let came = Came::Judged { outcome };
        records.iter().filter(|record| record.came == came).count()
    };
    let vacuous = all(Outcome::Vacuous);
    assert_eq!(all(Outcome::Held) + vacuous, records.len(), "{records:?}");
    if vacuous > 0 { 3 } else { 0 }
}

/// How many rounds failed. On a busy machine others between them may have done nothing.
fn failures(place: &Place) -> usize {
    let records = journal(place).into_iter();
    records.filter(Record::is_failure).count()
}

fn started(place: &Place, line: &str) -> Child {
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// Goal: killed at any moment, a soak loses none of the rounds that it wrote down, leaves no round
/// behind that goes on by itself, and goes on with the round after the last.
#[test]
fn a_kill_loses_nothing() {
    let place = Place::new();
    let mut line = "soak cycles graph --heap gil --round 50ms --seed 3 --out o".to_owned();
    for kill in 0..4 {
        let before = lines(&place).max(2);
        let mut child = started(&place, &line);
        wait_until("a round is written down", || lines(&place) > before + kill);
        signal(&child, "KILL");
        child.wait().expect("it has ended");
        wait_until("nobody is left", || inhabitants(&place).is_empty());
        line = "soak --resume o".to_owned();
    }
    let done = place.run("soak --resume o --budget 200ms");
    let records = journal(&place);
    let done = done.code(sound(&records));
    done.says(" on gil ").warns("going on after");
    let rounds: Vec<u64> = records.iter().map(|record| record.round).collect();
    assert!(rounds.len() >= 10, "{rounds:?}");
    assert_eq!(rounds, (0..rounds.len() as u64).collect::<Vec<u64>>());
    let seeds: HashSet<u64> = records.iter().map(|record| record.seed).collect();
    assert_eq!(seeds.len(), rounds.len());
}

/// Goal: a scheduler sends its signal to all processes of a job at once; it does not cut the round
/// short.
#[test]
fn a_signal_to_all_ends_the_round_first() {
    let place = Place::new();
    let child = started(&place, "soak cycles --heap gil --round 300ms --out o");
    wait_until("a round is written down", || lines(&place) > 2);
    let all = inhabitants(&place);
    assert!(all.len() >= 2, "the soak, and who makes its rounds");
    signal_all("TERM", &all);
    let done = Done::from(child.wait_with_output().expect("it ends"));
    done.code(130);
    sound(&journal(&place));
}

/// Goal: Ctrl-C brings the round under way to its end, which is written down, and the line to go on has
/// what is left of the budget.
#[test]
fn ctrl_c_ends_the_round_first() {
    let place = Place::new();
    let child = started(
        &place,
        "soak cycles --heap gil --round 300ms --budget 2h --out o",
    );
    wait_until("a round is written down", || lines(&place) > 2);
    signal(&child, "INT");
    let done = Done::from(child.wait_with_output().expect("it ends"))
        .code(130)
        .says("cycles on gil");
    let hint = "to go on: gcstorm soak --resume o --budget=";
    let left = (done.err.lines()).find_map(|line| line.strip_prefix(hint)?.strip_suffix('s'));
    let left = left.unwrap_or_else(|| panic!("no {hint:?} in {}", done.err));
    let left: u64 = left.parse().expect("seconds");
    assert!((1..7200).contains(&left), "{left}");
    sound(&journal(&place));
    // After its end there is nothing left: the line has the same again, and what else was asked of it.
    place
        .run("soak --resume o --budget 20ms --max-failures 3")
        .warns(", for 20ms\n")
        .warns(
            "to go on for another 20ms: gcstorm soak --resume o --budget=20ms --max-failures=3\n",
        );
}

/// Goal: what fails is named, kept and told how to do again; a heap that ends its process, hangs or
/// eats memory is one that failed, and the soak goes on until there were enough of them.
#[test]
fn failures_are_kept() {
    let place = Place::new();
    let line = "soak churn --heap gil --fault get-without-increment --round 100ms --seed 1 \
                --max-failures 2 --out o";
    let done = place.run(line).code(1).says("violated");
    done.warns("reproduce: gcstorm run churn --heap gil --seed ");
    assert_eq!(failures(&place), 2);
    let result = place.result("o/failure-0/result.json");
    assert_eq!(result.verdict, Outcome::Violated);
    assert!(place.path().join("o/failure-1/failure.case").exists());
    // Who goes on knows of those, and they are not forgotten.
    place.run("soak --resume o --max-failures 2").code(1);
    assert_eq!(failures(&place), 4);

    let place = Place::new();
    let line = "soak chain --heap gil --fault recursive-release --round 1s --out o";
    place.run(line).code(5).says("killed by signal");
    assert!(place.path().join("o/failure-0/stderr.txt").exists());

    let place = Place::new();
    let line =
        "soak hang.toml --heap gil --fault drop-request-kept --round 100ms --time-limit 1s --out o";
    // In the set-up, since a round ends for all threads at once.
    let in_setup = LEAVES_EARLY.replace("loop =", "loop = [{ op = \"safepoint\" }]\nsetup =");
    place.write("hang.toml", &in_setup);
    // Where a debugger is found it takes its time.
    let mut command = place.command(line);
    let output = command.env("PATH", "").output().expect("it starts");
    Done::from(output).code(5).says("hung: it was not over");

    let place = Place::new();
    let line = "soak counter --heap gil --round 1s --memory-limit 1 --out o";
    place.run(line).code(5).says("out of memory: it had ");
}

/// Goal: the rounds of a stint are made by one process on one heap, which is closed with the last
/// of them, and what fails in one that has grown old is told with the rounds that made it old.
#[test]
fn stints_share_a_heap() {
    let place = Place::new();
    let line =
        "soak counter churn --heap gil --heap lock-free --round 20ms --stint 3 --seed 4 --out o";
    let child = started(&place, line);
    wait_until("two stints are written down", || lines(&place) >= 2 + 6);
    signal(&child, "INT");
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    let records = journal(&place);
    let outcome = Outcome::Held;
    let held = Came::Judged { outcome };
    for pair in records.windows(2) {
        assert_eq!(
            pair[1].since == pair[0].since,
            pair[0].round % 3 != 2,
            "{pair:?}"
        );
        if pair[1].since == pair[0].since {
            assert_eq!(
                (pair[1].lane, pair[1].seed),
                (pair[0].lane, pair[0].seed + 1)
            );
        }
    }
    for record in &records {
        let is_last = record.round % 3 == 2;
        assert_eq!(record.found.rss_bytes_after == 0, is_last, "{record:?}");
        assert_eq!(record.found.allocated_after.is_none(), is_last);
        let has_done = record.came == held;
        assert!(!has_done || !record.found.service.is_empty(), "{record:?}");
    }

    let place = Place::new();
    let line = "soak churn --heap gil --fault object-kept --round 30ms --stint 50 --seed 1 --out o";
    place.run(line).code(1).says("completeness");
    let failed = journal(&place).pop().expect("it failed");
    let age = failed.round - failed.since;
    assert_eq!(failed.reproduce.contains("--same-heap"), age > 0);
    let repeat = format!("--repeat {} ", age + 1);
    assert_eq!(failed.reproduce.contains(&repeat), age > 0, "{failed:?}");
    let words = failed
        .reproduce
        .strip_prefix("gcstorm ")
        .expect("a command");
    // Which object is kept, the seed tells; how soon a run gets there, the machine.
    let longer = words.replace("--duration 30ms", "--duration 3s");
    assert_ne!(longer, words);
    place.run(&format!("{longer} --out again")).code(1);
}

/// Goal: a soak that was begun for moments and goes on for an hour grows heaps old from there on,
/// and keeps to that when it goes on once more; a stint that was chosen stays.
#[test]
fn longer_budgets_make_longer_stints() {
    for (chosen, grows) in [("", true), (" --stint 1", false)] {
        let place = Place::new();
        let go_on = |budget: &str| {
            let least = lines(&place) + 6;
            let child = started(&place, &format!("soak --resume o --budget {budget}"));
            wait_until("six more are written down", || lines(&place) >= least);
            signal(&child, "INT");
            Done::from(child.wait_with_output().expect("it ends")).code(130)
        };
        let line = "soak cycles --heap gil --round 20ms --budget 40ms --seed 3 --out o";
        place.run(&format!("{line}{chosen}"));
        let before = journal(&place).len();
        let told = "stints of 30000 rounds from here on";
        let done = go_on("1h");
        assert_eq!(done.err.contains(told), grows, "{}", done.err);
        assert!(!go_on("50m").err.contains(told));
        let records = journal(&place);
        let (short, long) = records.split_at(before);
        assert!(short.iter().all(|record| record.since == record.round));
        for (number, record) in (before as u64..).zip(long) {
            assert_eq!(record.round, number);
            assert_eq!(record.era.is_some(), grows, "{record:?}");
            assert_eq!(record.era, long[0].era);
        }
        let grown = long.iter().filter(|record| record.since < record.round);
        // All but the first of each of the two processes.
        assert_eq!(grown.count(), if grows { long.len() - 2 } else { 0 });
        let seeds = long.windows(2).all(|two| two[1].seed == two[0].seed + 1);
        assert_eq!(seeds, grows, "{long:?}");
    }
}

/// Goal: what cannot be soaked is refused before anything runs, with a hint.
#[test]
fn bad_soaks_are_refused() {
    let place = Place::new();
    for (line, words) in [
        ("soak nonsense", "nonsense"),
        ("soak churn --heap nonsense", "nonsense"),
        ("soak churn --weight graph=2", "graph"),
        ("soak churn --weight churn=0", "from 1 to 1000"),
        ("soak churn --shard 3/3", "counted from 0"),
        (
            "soak --memory-limit 17592186044416",
            "at most 17592186044415",
        ),
        ("soak --resume nowhere", "no soak in nowhere to go on with"),
        ("soak churn --resume nowhere", "cannot be used with"),
    ] {
        place.run(line).code(2).warns(words);
    }
    // Kubernetes tells the number, and the manifest would have to tell of how many.
    let mut command = place.command("soak churn --seed 1");
    let output = command.env("JOB_COMPLETION_INDEX", "3").output();
    Done::from(output.expect("it starts"))
        .code(2)
        .warns("JOB_COMPLETIONS is not")
        .warns("--shard I/N");
    assert_eq!(place.files().len(), 0);
    let own = "summary = \"mine\"\nabout = \"of one's own\"\n[limits]\nlive_objects = 10\n\
               [[threads]]\nname = \"t\"\nloop = [{ op = \"safepoint\" }]\n";
    place.write("mine.toml", own);
    let line = "soak mine.toml --heap gil --round 20ms --budget 30ms --out o";
    place.run(line).code(3);
    place.run(line).code(2).warns("soak --resume o");
    place.write("mine.toml", &own.replace("mine", "mine, changed"));
    let done = place.run("soak --resume o").code(2);
    done.warns("is not what it was");
    // Somebody wrote into it.
    place.write("mine.toml", own);
    let path = place.path().join("o/journal");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, text.replace("\"seed\"", "\"seeds\"")).expect("it is written");
    place.run("soak --resume o").code(2).warns("o/journal:2: ");
}

/// Goal: a journal that nobody's soak can have written is refused, with what is wrong in it.
#[test]
fn impossible_journals_are_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("o")).expect("a directory");
    let header = r#"35d4e2c0eb9f4072 {"version": "0.1.0", "commit": "2ed2715e2a19", "seed": 5, "lanes": [{"workload": "churn", "hash": "e416425cc1f2f580", "heap": "gil", "fault": "len-off-by-one", "weight": 0}, {"workload": "counter", "hash": "a101a76c65d3bd7d", "heap": "gil", "fault": "len-off-by-one", "weight": 0}], "shard": {"index": 0, "of": 1}, "round_ms": 50, "stint": 2, "options": ["--timing", "sampled"]}"#;
    place.write("o/journal", &format!("gcstorm-soak 2\n{header}\n"));
    let what = "o/journal:2: lane 0 (churn on gil with len-off-by-one) has weight 0";
    place.run("soak --resume o").code(2).warns(what);
    place.run("merge o").code(2).warns(what);
}

/// Goal: what is no file, or has no end, is not read in place of a journal.
#[test]
fn only_files_are_journals() {
    let place = Place::new();
    let path = place.path().join("o/journal");
    let refused = |what: &str| {
        place.run("soak --resume o").code(2).warns(what);
        std::fs::remove_file(&path).expect("it is there");
    };
    std::fs::create_dir(place.path().join("o")).expect("a directory");
    let pipe = Command::new("mkfifo").arg(&path).status();
    assert!(pipe.expect("mkfifo starts").success());
    refused("o/journal: it is not a regular file");
    std::os::unix::fs::symlink("/dev/zero", &path).expect("a link");
    refused("o/journal: it is not a regular file");
    // One line of 1 TiB, which takes no room.
    let file = std::fs::File::create(&path).expect("a file");
    file.set_len(1 << 40).expect("a large one");
    refused("o/journal:1: this is not the journal of a soak");
}

/// Goal: a journal that somebody empties while a soak writes it is whole again, and the soak says
/// so.
#[test]
fn an_emptied_journal_is_written_anew() {
    let place = Place::new();
    let child = started(&place, "soak cycles --heap gil --round 50ms --out o");
    wait_until("rounds are written down", || lines(&place) > 3);
    place.write("o/journal", "");
    Done::from(child.wait_with_output().expect("it ends"))
        .code(2)
        .warns("emptied it; all that was in it was written anew")
        .warns("go on with --resume");
    let rounds: Vec<u64> = journal(&place).iter().map(|record| record.round).collect();
    assert!(rounds.len() >= 2, "{rounds:?}");
    assert_eq!(rounds, (0..rounds.len() as u64).collect::<Vec<u64>>());
}

/// Goal: a soak that is stopped with all its processes, for longer than a round may hang, goes on
/// when it is continued.
#[test]
fn stopped_time_is_nobodys() {
    let place = Place::new();
    let line = "soak cycles --heap gil --round 200ms --time-limit 1s --out o";
    let child = started(&place, line);
    wait_until("a round is written down", || lines(&place) > 2);
    wait_until("a round is under way", || inhabitants(&place).len() > 1);
    let all = inhabitants(&place);
    signal_all("STOP", &all);
    // Longer than the limit: what is tried is that this does not count.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    signal_all("CONT", &all);
    let before = lines(&place);
    wait_until("it goes on", || lines(&place) > before + 1);
    signal(&child, "INT");
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    sound(&journal(&place));
}

/// Goes on with the soak in `o`, whose journal must not grow by more than a kilobyte.
fn on_a_full_disk(place: &Place) -> Done {
    // The largest file that a process of this shell may write ends where the journal does.
    let bytes = std::fs::metadata(place.path().join("o/journal")).expect("it is there");
    let script = format!(
        "ulimit -f {}; exec \"$0\" soak --resume o --budget 10s",
        bytes.len() / 1024
    );
    let output = Command::new("bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_gcstorm")])
        .current_dir(place.path())
        .output();
    Done::from(output.expect("a shell"))
}

/// Goal: a disk that is full is reported, and what was written before is there.
#[test]
fn a_full_disk_is_told_of() {
    let place = Place::new();
    let done = place.run("soak cycles --heap gil --round 50ms --budget 100ms --out o");
    let rounds = journal(&place).len();
    done.code(sound(&journal(&place)));
    on_a_full_disk(&place)
        .code(2)
        .warns("failed to write a round to the journal");
    assert!(journal(&place).len() >= rounds);
}

/// Goal: that rounds cannot be written down is worse than that some did not do what was required of
/// them.
#[test]
fn a_full_disk_is_told_of_before_vacuous_rounds() {
    let place = Place::new();
    let idle = "summary = \"idle\"\nabout = \"Does nothing.\"\n[limits]\nlive_objects = 10\n\
                [[threads]]\nname = \"t\"\nloop = [{ op = \"safepoint\" }]\n";
    place.write("idle.toml", idle);
    let line = "soak idle.toml --heap gil --round 20ms --budget 30ms --out o";
    place.run(line).code(3);
    on_a_full_disk(&place).code(2);
}

/// Goal: parameters of a workload hold for all rounds of a soak, and are in the line that
/// reproduces one; those that the workload does not have are refused.
#[test]
fn rounds_have_the_parameters_of_their_soak() {
    let place = Place::new();
    let line = "soak churn --heap gil --fault set-keeps-old --threads 3 -D length=50 --seed 1";
    // It goes on until a round has failed.
    place.run(&format!("{line} --round 100ms --out o")).code(1);
    let records = journal(&place);
    let failed = records.iter().find(|record| record.is_failure());
    let reproduce = &failed.expect("the fault is caught").reproduce;
    let ends_well = reproduce.contains("--timing sampled -D length=50 -D threads=3");
    assert!(ends_well, "{reproduce}");
    place
        .run("soak churn -D lenght=50 --budget 1ms --out p")
        .code(2);
    place
        .run("soak churn -D threads=2 --threads 3 --out q")
        .code(2);
}
