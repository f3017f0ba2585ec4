//! Strings: the check of escapes while reading, and their replacement when somebody wants the value.

/// Length of the escape that begins with a backslash here; none if it is no escape or half of a surrogate pair.
pub(super) fn escape_length(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => match unit(bytes)? {
            0xDC00..=0xDFFF => None,
            0xD800..=0xDBFF => low(bytes.get(6..)?).map(|_| 12),
            _ => Some(6),
        },
        _ => None,
    }
}

fn low(bytes: &[u8]) -> Option<u32> {
    unit(bytes).filter(|unit| (0xDC00..=0xDFFF).contains(unit))
}

/// The four digits of an escape `\uXXXX`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |sum, digit| {
        Some(sum * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// The value of a string whose escapes were checked.
pub(super) fn unescape(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let escape = &rest[at..];
        let length = escape_length(escape.as_bytes()).unwrap_or(1);
        value.extend(character(escape.as_bytes()));
        rest = &escape[length..];
    }
    value.push_str(rest);
    value
}

fn character(escape: &[u8]) -> Option<char> {
    match escape.get(1)? {
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{c}'),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        b'u' => code_point(escape),
        other => Some(char::from(*other)),
    }
}

fn code_point(escape: &[u8]) -> Option<char> {
    let high = unit(escape)?;
    let code = match escape.get(6..).and_then(low) {
        Some(low) if (0xD800..=0xDBFF).contains(&high) => {
            0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        }
        _ => high,
    };
    char::from_u32(code)
}

/// Writes a string as JSON has it, quotes included.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
