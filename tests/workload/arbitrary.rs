//! Files that nobody meant: whatever is read, the answer is a plan or a diagnostic, which is among
//! all that are found.

use gcstorm::workload::{Color, Workload, embedded};
use proptest::prelude::*;

fn read(text: &str) {
    let defects = Workload::defects("arbitrary.toml", text);
    match Workload::parse("arbitrary.toml", text) {
        Ok(_) => assert!(defects.is_empty(), "{defects:?}"),
        Err(error) => {
            assert!(error.line() >= 1 && error.column() >= 1);
            assert!(!error.render(Color::Ansi).is_empty());
            assert!(defects.contains(&error), "{error}: {defects:?}");
        }
    }
}

/// Cuts a part out of `text` and puts something else in its place.
fn mutate(text: &str, from: usize, len: usize, with: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let from = from % chars.len();
    let to = (from + len).min(chars.len());
    let kept = |part: &[char]| part.iter().collect::<String>();
    kept(&chars[..from]) + with + &kept(&chars[to..])
}

proptest! {
    /// Goal: no text makes the reader panic.
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        read(&text);
    }

    /// Goal: nor does a workload with a few characters changed, where most of it still holds.
    #[test]
    fn any_slip_is_answered(
        which in 0..embedded().len(),
        from: usize,
        len in 0usize..12,
        with in r#"[-a-z0-9"'$(){}\[\]=,.+*/%ä\n\\ ]{0,6}"#,
    ) {
        read(&mutate(embedded()[which].text, from, len, &with));
    }

    /// Goal: nor does any expression, and what is accepted agrees with itself.
    #[test]
    fn any_expression_is_answered(expression in "[-$a-c0-9()+*/%, minax!=<>\u{e4}]{0,24}") {
        read(&format!(
            "summary = \"s\"\nparameters = {{ a = {{ default = 3 }}, b = {{ default = \"$a * 2\" }} }}\n\
             limits = {{ live_objects = '''{expression}''' }}\n\
             [[threads]]\nname = \"t\"\nloop = [{{ op = \"safepoint\", when = '{expression}' }}]\n"
        ));
    }
}
