//! The only writer to standard output and standard error.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::hint_of;
use crate::domain::grouped;

/// Widest line written to something that is not a terminal of known width.
const PLAIN_WIDTH: u16 = 120;

/// Standard output, buffered. Whoever writes flushes at the end and passes errors on.
pub(super) fn stdout() -> io::BufWriter<io::Stdout> {
    io::BufWriter::with_capacity(1 << 16, io::stdout())
}

pub(super) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns that a table may take.
pub(super) fn width() -> u16 {
    comfy_table::Table::new().width().filter(|_| stdout_is_terminal()).unwrap_or(PLAIN_WIDTH)
}

/// One line of diagnostics on standard error. A closed standard error is nobody's failure.
pub(super) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{}", printable(text)));
}

/// The error, its causes and its hint, one line each.
pub(super) fn error(error: &anyhow::Error) {
    drop(io::stderr().lock().write_all(render_error(error).as_bytes()));
}

fn render_error(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}\n", printable(&error.to_string()));
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors repeat their source's text in their own.
        if !last.contains(&cause) {
            text.push_str(&format!("  cause: {}\n", printable(&cause)));
        }
        last = cause;
    }
    if let Some(hint) = hint_of(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

/// Answers `--help`, `--version` and arguments that do not fit.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A progress bar on standard error, or nothing when that is not a terminal.
///
/// `total` is the number of `unit`s; without one a spinner counts them.
pub(super) fn progress(total: Option<u64>, unit: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr_with_hz(8);
    let bar = ProgressBar::with_draw_target(total, target);
    let template = match (total, unit) {
        (Some(_), "bytes") => {
            "{bar:30} {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left) {msg}".to_owned()
        }
        (Some(_), _) => {
            format!("{{bar:30}} {{human_pos}}/{{human_len}} {unit} ({{per_sec}}) {{msg}}")
        }
        (None, _) => format!("{{spinner}} {{human_pos}} {unit} ({{per_sec}}) {{msg}}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Rows under a header, columns apart by blanks.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).force_no_tty();
    table.set_header(header).add_rows(rows);
    table.trim_fmt() + "\n"
}

/// `text` on one line, without anything that could move the cursor, change colours or turn the
/// direction of writing: what a seller wrote must not paint over what we say about it.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' => Some(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

/// `n` with its thousands apart, as in 9,950.
pub(super) fn count(n: u64) -> String {
    grouped(&n.to_string(), ',')
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::super::error::Hint as _;
    use super::*;

    #[test]
    fn an_error_is_a_line_its_causes_and_a_hint() {
        let error = Err::<(), _>(io::Error::other("no such file"))
            .context("cannot read a.jsonl")
            .hint("check the name")
            .unwrap_err();
        let want = "error: cannot read a.jsonl\n  cause: no such file\nhint: check the name\n";
        assert_eq!(render_error(&error), want);
    }

    #[test]
    fn a_seller_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d\u{7}"), "a[2Jb cd");
        assert_eq!(printable("Giày rẻ"), "Giày rẻ");
    }

    #[test]
    fn thousands_are_apart() {
        for (n, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(n), want);
        }
    }
}
