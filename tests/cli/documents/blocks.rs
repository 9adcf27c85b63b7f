//! The fenced blocks of a Markdown document, and the commands in them.

/// What stands between two fences.
pub(super) struct Block {
    /// What is behind the first fence.
    pub(super) kind: String,
    /// The line of the first fence, from 1.
    pub(super) number: usize,
    /// Why its commands are not run.
    pub(super) not_run: Option<String>,
    lines: Vec<String>,
}

/// A line that a reader types.
pub(super) struct Typed {
    pub(super) line: String,
    /// From 1.
    pub(super) number: usize,
    /// What it may exit with.
    pub(super) exits: Vec<i32>,
}

impl Block {
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Those that this program, or its likes, should obey, and those that make what they need.
    pub(super) fn commands(&self) -> Vec<Typed> {
        let lines = self.lines.iter().zip(self.number + 1..);
        let typed = lines.filter_map(|(line, number)| match self.kind.as_str() {
            "sh" => Some((line.as_str(), number)),
            "console" => Some((line.strip_prefix("$ ")?, number)),
            _ => None,
        });
        let typed = typed.filter(|(line, _)| {
            let mut known = ["gcstorm ", "cargo run ", "cp ", "cc "].iter();
            known.any(|word| line.starts_with(word)) || *line == "gcstorm"
        });
        typed
            .map(|(line, number)| Typed::new(line, number))
            .collect()
    }

    /// Whether this one is run. The adapters are a program that is not built for a test, and which
    /// interpreters there are is the machine's.
    pub(super) fn is_run(&self, command: &Typed) -> bool {
        let mut elsewhere = ["--manifest-path", "python"].iter();
        self.not_run.is_none() && !elsewhere.any(|word| command.line.contains(word))
    }
}

impl Typed {
    fn new(text: &str, number: usize) -> Self {
        let (line, comment) = text.split_once(" #").unwrap_or((text, ""));
        let exits = comment.trim().strip_prefix("exit ").map(|exits| {
            let words = exits.split_whitespace();
            let words = words.map(|word| word.trim_matches([':', ',']));
            let codes = words.take_while(|word| *word == "or" || word.parse::<i32>().is_ok());
            codes.filter_map(|word| word.parse().ok()).collect()
        });
        Self {
            line: line.trim_end().to_owned(),
            number,
            exits: exits.unwrap_or_else(|| vec![0]),
        }
    }
}

/// All of a document, in order.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut not_run = None;
    for (line, number) in text.lines().zip(1..) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.trim().to_owned(),
                    number,
                    not_run: not_run.take(),
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {
                let reason = line.strip_prefix("<!-- not run: ");
                not_run = reason.map(str::to_owned);
            }
        }
    }
    assert!(open.is_none(), "a block that does not end");
    blocks
}

/// Goal: commands, their exit codes and the reason for not running them are found, and nothing else.
#[test]
fn commands_are_found() {
    let text = "words\n```sh\ngcstorm run a # exit 1: so\ncargo test\n```\n\
        <!-- not run: why -->\n```console\n$ gcstorm b   # exit 0 or 4: it may\ngcstorm said\n```\n";
    let blocks = blocks(text);
    let told: Vec<_> = blocks
        .iter()
        .flat_map(|block| {
            block
                .commands()
                .into_iter()
                .map(|it| (block.is_run(&it), it))
        })
        .map(|(is_run, it)| (it.line, it.number, it.exits, is_run))
        .collect();
    let first = ("gcstorm run a".to_owned(), 3, vec![1], true);
    let second = ("gcstorm b".to_owned(), 8, vec![0, 4], false);
    assert_eq!(told, [first, second]);
}
