/// So many of something, in words that fit: `1 cycle`, `2 cycles`.
pub(crate) fn plural(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn one_is_no_plural() {
        let said = [0, 1, 2].map(|count| plural(count, "cycle"));
        assert_eq!(said, ["0 cycles", "1 cycle", "2 cycles"]);
    }
}
