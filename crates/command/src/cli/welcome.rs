//! What the program says if nothing is asked of it.

use super::reproduce;

/// What it is, and what to begin with.
pub(super) fn text(program: &str) -> String {
    let first = [
        (&["tour"][..], "what it does, in half a minute"),
        (
            &["run", "--heap", "gil"],
            "every workload on one heap, in half a minute",
        ),
        (
            &["init", "--heap", "mine"],
            "a crate for a heap of your own",
        ),
    ];
    let first = first.map(|(words, about)| (reproduce::command(program, words), about));
    let mut text = format!(
        "{program} stress-tests garbage collectors that count references and collect cycles: it \
         replays\nworkloads on a heap from several threads, and judges the heap from what they did.\
         \n\nUsage: {program} <COMMAND>. To begin with:\n\n"
    );
    text += &rows(&first);
    text + &format!(
        "\n{} lists all commands.",
        reproduce::command(program, &["--help"])
    )
}

/// Commands on the left, what they are for on the right.
pub(super) fn rows(rows: &[(String, &str)]) -> String {
    let width = rows.iter().map(|(line, _)| line.chars().count()).max();
    let width = width.unwrap_or(0);
    let row = |(line, about): &(String, &str)| format!("    {line:width$}   {about}\n");
    rows.iter().map(row).collect()
}
