//! Interleaving: in each round every contender has one turn, and each round begins with another one,
//! so that what the machine does meanwhile hits all of them alike.

/// The order of the turns of one round.
pub(crate) fn order(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (round + turn) % contenders)
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn each_round_has_everybody_and_begins_with_the_next() {
        assert_eq!(order(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(order(4, 3).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
