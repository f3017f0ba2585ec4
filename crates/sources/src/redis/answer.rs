//! What a server says on the wire, as it stands in what has come: nothing of it is copied.

use std::str::FromStr;

/// Deeper than any answer to a command that is asked here.
const DEPTH: usize = 8;
/// A line is a number, a word or an error; what is longer has no end.
const LINE: usize = 64 << 10;
/// The largest string that a server can keep.
const LONGEST: usize = 512 << 20;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    Nil,
    Int(i64),
    Text(&'a [u8]),
    Refused(&'a [u8]),
    List(Vec<Answer<'a>>),
}

/// What came is not of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// How far several answers were seen to go. What was seen once is not looked at again when more has come.
pub(super) struct Extent {
    end: usize,
    missing: usize,
}

impl Extent {
    pub(super) fn new(answers: usize) -> Self {
        Self {
            end: 0,
            missing: answers,
        }
    }

    /// Where they end; none as long as not all of it has come.
    pub(super) fn within(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        while self.missing > 0 {
            let Some((sign, head, body)) = line(bytes, self.end)? else {
                return Ok(None);
            };
            let (more, end) = match sign {
                b'*' => (length(head)?.unwrap_or_default(), body),
                b'$' => (0, length(head)?.map_or(body, |length| body + length + 2)),
                b'+' | b'-' | b':' => (0, body),
                _ => return Err(Malformed),
            };
            if end > bytes.len() {
                return Ok(None);
            }
            self.end = end;
            self.missing = (self.missing - 1).checked_add(more).ok_or(Malformed)?;
        }
        Ok(Some(self.end))
    }
}

/// Reads so many answers from bytes that have all of them.
pub(super) fn read(mut bytes: &[u8], answers: usize) -> Result<Vec<Answer<'_>>> {
    (0..answers).map(|_| one(&mut bytes, DEPTH)).collect()
}

fn one<'a>(bytes: &mut &'a [u8], depth: usize) -> Result<Answer<'a>> {
    let (sign, head, body) = line(bytes, 0)?.ok_or(Malformed)?;
    *bytes = bytes.get(body..).ok_or(Malformed)?;
    match sign {
        b'+' => Ok(Answer::Text(head)),
        b'-' => Ok(Answer::Refused(head)),
        b':' => number(head).map(Answer::Int),
        b'$' => text(bytes, length(head)?),
        b'*' => match (length(head)?, depth) {
            (None, _) => Ok(Answer::Nil),
            (Some(_), 0) => Err(Malformed),
            (Some(count), _) => {
                let all = (0..count).map(|_| one(bytes, depth - 1));
                all.collect::<Result<_>>().map(Answer::List)
            }
        },
        _ => Err(Malformed),
    }
}

fn text<'a>(bytes: &mut &'a [u8], length: Option<usize>) -> Result<Answer<'a>> {
    let Some(length) = length else {
        return Ok(Answer::Nil);
    };
    let (text, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
    *bytes = rest.strip_prefix(b"\r\n").ok_or(Malformed)?;
    Ok(Answer::Text(text))
}

/// The line at a place: its sign, what follows, and where the next begins.
fn line(bytes: &[u8], at: usize) -> Result<Option<(u8, &[u8], usize)>> {
    let bytes = bytes.get(at..).unwrap_or_default();
    let near = bytes.get(..LINE).unwrap_or(bytes);
    let Some(end) = near.iter().position(|byte| *byte == b'\n') else {
        return if near.len() == LINE {
            Err(Malformed)
        } else {
            Ok(None)
        };
    };
    let line = near.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let (sign, head) = line.and_then(<[u8]>::split_first).ok_or(Malformed)?;
    Ok(Some((*sign, head, at + end + 1)))
}

/// How long something is; none where there is nothing.
fn length(head: &[u8]) -> Result<Option<usize>> {
    if head == b"-1" {
        return Ok(None);
    }
    let length = number(head)?;
    if length > LONGEST {
        return Err(Malformed);
    }
    Ok(Some(length))
}

fn number<T: FromStr>(head: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(head).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use ::redis::Value;
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], answers: usize) -> Result<Option<Vec<Answer<'_>>>> {
        match Extent::new(answers).within(bytes)? {
            Some(end) => read(&bytes[..end], answers).map(Some),
            None => Ok(None),
        }
    }

    /// What is told to the wire, and what somebody else reads from it.
    fn written() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            Just(b"$-1\r\n".to_vec()),
            Just(b"*-1\r\n".to_vec()),
            any::<i64>().prop_map(|int| format!(":{int}\r\n").into_bytes()),
            "[a-z ]{0,9}".prop_map(|text| format!("+x{text}\r\n").into_bytes()),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(|text| {
                let head = format!("${}\r\n", text.len()).into_bytes();
                [head, text, b"\r\n".to_vec()].concat()
            }),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            proptest::collection::vec(inner, 0..5).prop_map(|all| {
                let head = format!("*{}\r\n", all.len()).into_bytes();
                [head, all.concat()].concat()
            })
        })
    }

    fn theirs(value: &Value) -> Answer<'_> {
        match value {
            Value::Nil => Answer::Nil,
            Value::Int(int) => Answer::Int(*int),
            Value::BulkString(text) => Answer::Text(text),
            Value::SimpleString(text) => Answer::Text(text.as_bytes()),
            Value::Array(all) => Answer::List(all.iter().map(theirs).collect()),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads(answers in proptest::collection::vec(written(), 1..4)) {
            let bytes = answers.concat();
            let values: Vec<_> = answers.iter().map(|one| ::redis::parse_redis_value(one).unwrap()).collect();
            let ours = all(&bytes, answers.len()).unwrap().unwrap();
            prop_assert_eq!(ours, values.iter().map(theirs).collect::<Vec<_>>());
        }

        #[test]
        fn it_comes_in_pieces(answers in proptest::collection::vec(written(), 1..4), step in 1..9_usize) {
            let bytes = answers.concat();
            let mut extent = Extent::new(answers.len());
            for come in (0..bytes.len()).step_by(step) {
                prop_assert_eq!(extent.within(&bytes[..come]), Ok(None));
            }
            prop_assert_eq!(extent.within(&bytes), Ok(Some(bytes.len())));
        }

        #[test]
        fn nothing_brings_it_down(bytes in "[*$:+-][0-9$*:\r\n-]{0,40}", answers in 1..3_usize) {
            let _ = all(bytes.as_bytes(), answers);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let deep = "*1\r\n".repeat(100) + ":1\r\n";
        let long = format!("+{}", "x".repeat(LINE));
        for wrong in [
            "x\r\n",
            "\r\n",
            "+a\n",
            ":a\r\n",
            "$-2\r\n",
            "$1\r\nabc",
            "*-7\r\n",
            &deep,
            &long,
            "$999999999999\r\n",
            "*18446744073709551615\r\n",
            ":99999999999999999999\r\n",
        ] {
            assert_eq!(all(wrong.as_bytes(), 1), Err(Malformed), "{wrong:.20}");
        }
        assert_eq!(
            all(b"-NOPERM no\r\n", 1),
            Ok(Some(vec![Answer::Refused(b"NOPERM no")]))
        );
    }
}
