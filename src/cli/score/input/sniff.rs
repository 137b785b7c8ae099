//! What a file is, by its name or its first bytes.

use serde::de::IgnoredAny;

use super::Format;

/// By the extension, where it says.
pub(super) fn by_name(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "json" => Some(Format::Json),
        "csv" | "tsv" => Some(Format::Csv),
        "parquet" | "pq" => Some(Format::Parquet),
        _ => None,
    }
}

/// By the first bytes; JSON lines when they say nothing else.
pub(super) fn by_content(head: &[u8]) -> Format {
    if head.starts_with(b"PAR1") {
        return Format::Parquet;
    }
    match without_mark(head).trim_ascii_start().first() {
        Some(b'[' | b'{') => Format::Json,
        Some(_) if delimiter(head).is_some() => Format::Csv,
        _ => Format::Jsonl,
    }
}

/// Whether JSON stands one object a line: its first line is one.
pub(super) fn is_lines(head: &[u8]) -> bool {
    let text = without_mark(head).trim_ascii_start();
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    text.starts_with(b"{")
        && text.len() > line.len()
        && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// The delimiter with which the first line has a column that can be the title.
pub(super) fn delimiter(head: &[u8]) -> Option<u8> {
    let line = without_mark(head).trim_ascii_start().split(|b| *b == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    [b',', b';', b'\t'].into_iter().find(|delimiter| {
        line.split(char::from(*delimiter))
            .any(|name| super::columns::is_title(name.trim().trim_matches('"')))
    })
}

fn without_mark(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_bytes_tell_the_format() {
        assert_eq!(by_name("a/b.JSONL"), Some(Format::Jsonl));
        assert_eq!(by_name("a.tsv"), Some(Format::Csv));
        assert_eq!(by_name("<stdin>"), None);
        assert_eq!(by_content(b"PAR1.."), Format::Parquet);
        assert_eq!(by_content(b"\xef\xbb\xbf [\n"), Format::Json);
        assert_eq!(by_content(b"id;title\n1;a\n"), Format::Csv);
        assert_eq!(by_content("Giá\tTiêu đề\n".as_bytes()), Format::Csv);
        assert_eq!(by_content(b"nonsense\n"), Format::Jsonl);
        assert_eq!(by_content(b""), Format::Jsonl);
    }

    #[test]
    fn an_object_over_many_lines_is_not_json_lines() {
        assert!(is_lines(b"{\"title\":\"a\"}\n{\"title\":\"b\"}\n"));
        assert!(!is_lines(b"{\n\"title\":\"a\"}\n"));
        assert!(!is_lines(b"[{\"title\":\"a\"}]\n"));
    }
}
