use runward_canary::{Cause, CauseKind};

use crate::rows::garbled;

/// The body of a whole answer, which ended with its connection.
pub(super) fn body(mut read: Vec<u8>) -> Result<Vec<u8>, Cause> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(&read) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) if read.is_empty() => {
            return Err(Cause::new(CauseKind::Unreachable, "it hung up"));
        }
        Ok(httparse::Status::Partial) => return Err(garbled("its answer ends early")),
        Err(_) => return Err(garbled("its answer is no HTTP")),
    };
    let value = |name: &str| {
        let mut all = response.headers.iter();
        let found = all.find(|header| header.name.eq_ignore_ascii_case(name));
        found
            .and_then(|header| std::str::from_utf8(header.value).ok())
            .map(str::trim)
    };
    if value("transfer-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(garbled(
            "its answer is in chunks, though HTTP/1.0 was asked",
        ));
    }
    let length = value("content-length").and_then(|length| length.parse::<usize>().ok());
    good(response.code.unwrap_or(0))?;
    let mut body = read.split_off(end);
    match length {
        Some(length) if length > body.len() => Err(garbled("its answer ends early")),
        Some(length) => {
            body.truncate(length);
            Ok(body)
        }
        None => Ok(body),
    }
}

fn good(status: u16) -> Result<(), Cause> {
    let kind = match status {
        200 => return Ok(()),
        401 | 403 => CauseKind::Denied,
        _ => CauseKind::Unreachable,
    };
    Err(Cause::new(kind, format!("it answers {status}")))
}
