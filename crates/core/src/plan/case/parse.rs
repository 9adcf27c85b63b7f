//! Reads the text form, line by line, and remembers the place of each word.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::again;
use super::{
    ALL_REGISTERS_MAX, CAPACITY_MAX, Case, CaseMutator, Control, MUTATORS_MAX, NAME_MAX,
    REGISTERS_MAX, Schedule, Shared, Turn, VERSION,
};
use crate::diagnostic::{Complaint, Diagnostic};
use crate::heap::{Fault, Field, Finalizer, Global, Shape, Slot};
use crate::plan::{Op, Operands, STALL_MILLIS_MAX};

/// What the first line begins with.
const MAGIC: &str = "gcstorm-case";
/// The line before which the turns of the setup stand: see [`text`](super::text).
const START: &str = "start";
/// The lines of the header.
const KEYS: [&str; 10] = [
    "heap", "fault", "schedule", "seed", "check", "again", "capacity", "roots", "shared", "mutator",
];
/// The lines of the header that describe the program; a recipe has none of them.
const KEYS_OF_PROGRAM: [&str; 4] = ["capacity", "roots", "shared", "mutator"];
/// The commands that a case can come from.
const COMMANDS: [&str; 1] = ["run"];
/// The maximum number of shared objects: the analysis of a plan keeps a set of them in one word.
const SHARED_MAX: usize = 64;

impl Case {
    /// Reads a case. `path` is where the text came from, for messages.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Diagnostic> {
        let text: Arc<str> = text.into();
        read(&text).map_err(|complaint| complaint.at(path, &text))
    }
}

fn read(text: &str) -> Result<Case, Complaint> {
    let mut lines = lines(text).filter(|line| !line.is_empty());
    let Some(mut first) = lines.next() else {
        return Err(Complaint::new(0..0, "the case is empty")
            .hint(format!("a case begins with `{MAGIC} {VERSION}`")));
    };
    first.magic()?;
    let mut case = Case::of_mutators(0, 0, 0, 0);
    let mut seen = Vec::new();
    let mut is_begun = false;
    let mut numbers = HashMap::new();
    for mut line in lines {
        let word = line.word("an operation")?;
        if KEYS.contains(&word.text) && !is_begun {
            line.header(&word, &mut case, &mut seen)?;
        } else {
            if !is_begun {
                is_complete(&seen, &word, &HEADER)?;
                is_begun = true;
                let names = case.mutators.iter().map(|mutator| mutator.name.clone());
                numbers.extend(names.zip(0..));
            }
            line.turn(&word, &mut case, &numbers)?;
        }
        line.end()?;
    }
    let end = Word {
        text: "",
        span: text.len()..text.len(),
    };
    let has_program = is_begun || seen.iter().any(|key| KEYS_OF_PROGRAM.contains(key));
    let needed: &[&str] = match seen.contains(&"again") && !has_program {
        true => &HEADER_OF_RECIPE,
        false => &HEADER,
    };
    is_complete(&seen, &end, needed)?;
    Ok(case)
}

/// Whether this word begins a line that is not a mutator's turn.
pub(super) fn begins_a_line(word: &str) -> bool {
    KEYS.contains(&word) || word == START
}

/// What must be in a header.
const HEADER: [&str; 5] = ["schedule", "seed", "capacity", "roots", "mutator"];
/// What must be in the header of a recipe.
const HEADER_OF_RECIPE: [&str; 2] = ["schedule", "seed"];

/// Checks that everything that a header needs came before this word.
fn is_complete(seen: &[&str], word: &Word<'_>, needed: &[&str]) -> Result<(), Complaint> {
    match needed.iter().find(|key| !seen.contains(key)) {
        None => Ok(()),
        Some(key) => Err(
            Complaint::new(word.span.clone(), format!("the header has no `{key}`")).hint(format!(
                "it needs {}, before the first turn",
                needed.join(", ")
            )),
        ),
    }
}

/// A word and where it stands.
#[derive(Debug, Clone)]
struct Word<'a> {
    text: &'a str,
    span: Range<usize>,
}

impl Word<'_> {
    fn complain(&self, message: impl Into<String>) -> Complaint {
        Complaint::new(self.span.clone(), message)
    }
}

/// One line that is being read.
#[derive(Debug)]
struct Line<'a> {
    /// Where the rest of it begins in the text.
    at: usize,
    rest: &'a str,
}

/// The lines of a text, without comments.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        let said = line.split('#').next().unwrap_or_default();
        Some(Line {
            at: start,
            rest: said.trim_end(),
        })
    })
}

impl<'a> Line<'a> {
    fn skip_spaces(&mut self) {
        let rest = self.rest.trim_start();
        self.at += self.rest.len() - rest.len();
        self.rest = rest;
    }

    fn is_empty(&self) -> bool {
        self.rest.trim().is_empty()
    }

    fn next(&mut self) -> Option<Word<'a>> {
        self.skip_spaces();
        let len = self
            .rest
            .find(char::is_whitespace)
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(len);
        let span = self.at..self.at + len;
        self.at += len;
        self.rest = rest;
        (!text.is_empty()).then_some(Word { text, span })
    }

    fn word(&mut self, wanted: &str) -> Result<Word<'a>, Complaint> {
        let end = self.at;
        self.next().ok_or_else(|| {
            Complaint::new(end..end, format!("the line ends where {wanted} is wanted"))
        })
    }

    fn end(&mut self) -> Result<(), Complaint> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(word.complain(format!("`{}` is one word too many", word.text))),
        }
    }

    fn magic(&mut self) -> Result<(), Complaint> {
        let word = self.word("a case")?;
        if word.text != MAGIC {
            return Err(word
                .complain("this is not a case")
                .hint(format!("a case begins with `{MAGIC} {VERSION}`")));
        }
        let version = self.word("a version")?;
        if version.text.parse() != Ok(VERSION) {
            let message = format!("version `{}` of cases is not known here", version.text);
            return Err(version
                .complain(message)
                .hint(format!("this program reads version {VERSION}")));
        }
        self.end()
    }

    fn parsed(&mut self, wanted: &str, least: u64, most: u64) -> Result<u64, Complaint> {
        let word = self.word(wanted)?;
        let number: Option<u64> = word.text.parse().ok();
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                word.complain(format!("`{}` is not {wanted}", word.text))
                    .hint(format!("a number from {least} to {most} stands here"))
            })
    }

    fn header(
        &mut self,
        key: &Word<'a>,
        case: &mut Case,
        seen: &mut Vec<&'a str>,
    ) -> Result<(), Complaint> {
        if seen.contains(&key.text) && !matches!(key.text, "shared" | "mutator") {
            return Err(key.complain(format!("`{}` is given twice", key.text)));
        }
        seen.push(key.text);
        match key.text {
            "heap" => case.heap = Some(self.word("a heap's name")?.text.to_owned()),
            "fault" => case.fault = Some(self.fault()?),
            "schedule" => case.schedule = self.schedule()?,
            "seed" => case.seed = self.parsed("a seed", 0, u64::MAX)?,
            "check" => case.check = Some(self.word("a check's name")?.text.to_owned()),
            "again" => case.again = self.again()?,
            "capacity" => {
                let capacity = self.parsed("a capacity", 1, CAPACITY_MAX.into())?;
                case.capacity = u32::try_from(capacity).unwrap_or(CAPACITY_MAX);
            }
            "roots" => {
                let roots = self.parsed("a number of roots", 0, u16::MAX.into())?;
                case.roots = u16::try_from(roots).unwrap_or(u16::MAX);
            }
            "shared" => {
                let shared = self.shared(key, case, seen)?;
                case.shared.push(shared);
            }
            _ => {
                let mutator = self.mutator(key, case)?;
                case.mutators.push(mutator);
            }
        }
        Ok(())
    }

    fn fault(&mut self) -> Result<Fault, Complaint> {
        let word = self.word("a fault's name")?;
        let known = Fault::ALL.iter().map(|fault| fault.name());
        Fault::named(word.text)
            .ok_or_else(|| Complaint::unknown(word.span, "fault", word.text, known))
    }

    fn again(&mut self) -> Result<Vec<String>, Complaint> {
        let command = self.word("a command")?;
        if !COMMANDS.contains(&command.text) {
            return Err(Complaint::unknown(
                command.span,
                "command",
                command.text,
                COMMANDS,
            ));
        }
        let mut words = vec![command.text.to_owned()];
        while let Some(word) = self.next() {
            let meant = again::meant(word.text);
            words.push(meant.ok_or_else(|| {
                word.complain("this begins with a quote, but is not a JSON string")
            })?);
        }
        Ok(words)
    }

    fn schedule(&mut self) -> Result<Schedule, Complaint> {
        let word = self.word("a schedule")?;
        match word.text {
            "steps" => return Ok(Schedule::Steps),
            "free" => return Ok(Schedule::Free),
            _ => {}
        }
        let by = Control::ALL.into_iter().find(|by| by.name() == word.text);
        let Some(by) = by else {
            let known = ["steps", "free", "random", "pct", "dfs"];
            return Err(Complaint::unknown(word.span, "schedule", word.text, known));
        };
        let kept = self.next().map(|word| word.text.to_owned());
        Ok(Schedule::Controlled { by, kept })
    }

    /// Reads a name that nothing else has.
    fn name(&mut self, case: &Case) -> Result<Word<'a>, Complaint> {
        let word = self.word("a name")?;
        let shared = case.shared.iter().map(|shared| shared.name.as_str());
        let mutators = case.mutators.iter().map(|mutator| mutator.name.as_str());
        if begins_a_line(word.text) {
            return Err(word.complain(format!("`{}` begins another line", word.text)));
        }
        if word.text.len() > NAME_MAX {
            return Err(word
                .complain("the name is too long")
                .hint(format!("a name may have {NAME_MAX} bytes")));
        }
        if word.text.contains('=') {
            return Err(word.complain("a name has no `=` in it"));
        }
        if shared.chain(mutators).any(|name| name == word.text) {
            return Err(word.complain(format!("`{}` is named twice", word.text)));
        }
        Ok(word)
    }

    fn shared(&mut self, key: &Word<'a>, case: &Case, seen: &[&str]) -> Result<Shared, Complaint> {
        if !case.mutators.is_empty() || !seen.contains(&"roots") {
            return Err(key.complain("shared objects stand after `roots` and before the mutators"));
        }
        if case.shared.len() >= SHARED_MAX.min(case.roots.into()) {
            return Err(key
                .complain("there are too many shared objects")
                .hint(format!("there may be {SHARED_MAX}, and one for each root")));
        }
        let name = self.name(case)?.text.to_owned();
        let shape = Turnwise::of(self, case, 0).shape("shape")?;
        Ok(Shared { name, shape })
    }

    fn mutator(&mut self, key: &Word<'a>, case: &Case) -> Result<CaseMutator, Complaint> {
        if case.mutators.len() >= MUTATORS_MAX as usize {
            return Err(key.complain(format!("there are more than {MUTATORS_MAX} mutators")));
        }
        let name = self.name(case)?.text.to_owned();
        self.literal("registers")?;
        let taken: u32 = case.mutators.iter().map(|mutator| mutator.registers).sum();
        let most = REGISTERS_MAX.min(ALL_REGISTERS_MAX - taken);
        let registers = self.parsed("a number of registers", 0, most.into())?;
        let registers = u32::try_from(registers).unwrap_or(most);
        let mut held: Vec<(Slot, usize)> = Vec::new();
        let mut taken = HashSet::new();
        if let Some(word) = self.next() {
            if word.text != "holds" {
                return Err(word.complain("`holds` is wanted here, or nothing"));
            }
            while let Some(word) = self.next() {
                let pair = holding(&word, case, registers)?;
                if !taken.insert(pair.0) {
                    return Err(word.complain("the register holds two objects"));
                }
                held.push(pair);
            }
        }
        Ok(CaseMutator {
            name,
            registers,
            held,
        })
    }

    fn literal(&mut self, wanted: &str) -> Result<(), Complaint> {
        let word = self.word(&format!("`{wanted}`"))?;
        if word.text == wanted {
            return Ok(());
        }
        Err(word.complain(format!("`{wanted}` is wanted here")))
    }

    fn turn(
        &mut self,
        word: &Word<'a>,
        case: &mut Case,
        numbers: &HashMap<String, u32>,
    ) -> Result<(), Complaint> {
        if word.text == START {
            if !case.setup.is_empty() || case.turns.is_empty() {
                return Err(word.complain("`start` stands once, after some turns"));
            }
            case.setup = std::mem::take(&mut case.turns);
            return Ok(());
        }
        let Some(&mutator) = numbers.get(word.text) else {
            let names = case.mutators.iter().map(|mutator| mutator.name.as_str());
            let span = word.span.clone();
            return Err(Complaint::unknown(span, "mutator", word.text, names));
        };
        let name = self.word("an operation")?;
        let mut words = Turnwise::of(self, case, mutator as usize);
        let Some(op) = Op::read(name.text, &mut words)? else {
            let (what, known) = ("operation", Op::names());
            return Err(Complaint::unknown(name.span, what, name.text, known));
        };
        keeps_shared(&op, case, &name)?;
        case.turns.push(Turn { mutator, op });
        Ok(())
    }
}

/// `r0=name`
fn holding(word: &Word<'_>, case: &Case, registers: u32) -> Result<(Slot, usize), Complaint> {
    let wanted = || word.complain("a register and a shared object are wanted here: `r0=name`");
    let (register, name) = word.text.split_once('=').ok_or_else(wanted)?;
    let slot = numbered(register, 'r').ok_or_else(wanted)?;
    if slot >= u64::from(registers) {
        return Err(word.complain(format!("the mutator has no register {slot}")));
    }
    let names = case.shared.iter().map(|shared| shared.name.as_str());
    let object = names.clone().position(|known| known == name);
    let object = object
        .ok_or_else(|| Complaint::unknown(word.span.clone(), "shared object", name, names))?;
    Ok((Slot(u32::try_from(slot).unwrap_or(u32::MAX)), object))
}

/// Refuses an operation that would replace a shared object in its root, where all mutators rely on
/// finding it.
fn keeps_shared(op: &Op, case: &Case, name: &Word<'_>) -> Result<(), Complaint> {
    let (Op::Publish { global, .. }
    | Op::AllocFinalized {
        finalizer: Finalizer::Resurrect(global),
        ..
    }) = *op
    else {
        return Ok(());
    };
    match case.shared.get(usize::from(global.0)) {
        None => Ok(()),
        Some(shared) => Err(name
            .complain(format!(
                "root {} holds the shared `{}`",
                global.0, shared.name
            ))
            .hint("publish in another root: the first ones are those of the shared objects")),
    }
}

fn numbered(word: &str, letter: char) -> Option<u64> {
    let digits = word.strip_prefix(letter)?;
    (digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Reads the operands of a turn, which must name registers that the mutator has.
struct Turnwise<'l, 'a> {
    line: &'l mut Line<'a>,
    registers: u32,
    roots: u16,
}

impl<'l, 'a> Turnwise<'l, 'a> {
    fn of(line: &'l mut Line<'a>, case: &Case, mutator: usize) -> Self {
        let registers = case.mutators.get(mutator).map_or(0, |it| it.registers);
        Self {
            line,
            registers,
            roots: case.roots,
        }
    }

    fn numbered(&mut self, letter: char, what: &str, count: u64) -> Result<u64, Complaint> {
        let word = self.line.word(what)?;
        let Some(number) = numbered(word.text, letter) else {
            return Err(word
                .complain(format!("`{}` is not {what}", word.text))
                .hint(format!("{what} is written `{letter}0`, `{letter}1`, …")));
        };
        if number < count {
            return Ok(number);
        }
        let message = format!("there is no `{}`", word.text);
        let label = match count {
            0 => "there are none".to_owned(),
            count => format!("the last is `{letter}{}`", count - 1),
        };
        Err(word.complain(message).label(label))
    }
}

impl Turnwise<'_, '_> {
    /// Takes the next word, if it is this one.
    fn takes(&mut self, wanted: &str) -> bool {
        let next = self.line.rest.split_whitespace().next();
        let is_there = next == Some(wanted);
        if is_there {
            self.line.next();
        }
        is_there
    }
}

impl Operands for Turnwise<'_, '_> {
    type Error = Complaint;

    fn has(&mut self, word: &str) -> bool {
        self.line.rest.split_whitespace().any(|it| it == word)
    }

    fn slot(&mut self, _: &str) -> Result<Slot, Complaint> {
        let number = self.numbered('r', "a register", self.registers.into())?;
        Ok(Slot(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    fn root(&mut self, _: &str) -> Result<Global, Complaint> {
        let number = self.numbered('g', "a shared root", self.roots.into())?;
        Ok(Global(u16::try_from(number).unwrap_or(u16::MAX)))
    }

    fn shape(&mut self, _: &str) -> Result<Shape, Complaint> {
        let word = self.line.word("a shape")?;
        let found = Shape::ALL.into_iter().find(|it| it.name() == word.text);
        let known = Shape::ALL.map(Shape::name);
        found.ok_or_else(|| Complaint::unknown(word.span, "shape", word.text, known))
    }

    fn finalizer(&mut self, root: &str) -> Result<Finalizer, Complaint> {
        match self.line.is_empty() {
            true => Ok(Finalizer::Witness),
            false => Ok(Finalizer::Resurrect(self.root(root)?)),
        }
    }

    fn field(&mut self, _: &str) -> Result<Field, Complaint> {
        let field = self.line.parsed("a field", 0, 1)?;
        Ok(Field(u8::from(field == 1)))
    }

    fn index(&mut self, _: &str) -> Result<u32, Complaint> {
        let index = self.line.parsed("a number", 0, u32::MAX.into())?;
        Ok(u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn count(&mut self, _: &str) -> Result<u64, Complaint> {
        self.line.parsed("a number", 0, u64::MAX)
    }

    fn leave(&mut self, key: &str) -> Result<u64, Complaint> {
        self.line.literal(key)?;
        self.count(key)
    }

    fn above(&mut self, _: &str) -> Result<u64, Complaint> {
        match self.takes("above") {
            true => self.line.parsed("a number", 0, u64::MAX - 1),
            false => Ok(u64::MAX),
        }
    }

    fn signed(&mut self, _: &str) -> Result<i64, Complaint> {
        let word = self.line.word("a number")?;
        word.text
            .parse()
            .map_err(|_| word.complain(format!("`{}` is not a number of 64 bits", word.text)))
    }

    fn millis(&mut self, _: &str) -> Result<u32, Complaint> {
        let millis = self.line.parsed("a number", 0, STALL_MILLIS_MAX.into())?;
        Ok(u32::try_from(millis).unwrap_or(STALL_MILLIS_MAX))
    }
}
