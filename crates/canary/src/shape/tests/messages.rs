//! What the language's own text says of messages is what the shapes declare.

use crate::shape::blanks::{ALL, OF};

/// The names in braces, as they stand.
fn blanks(text: &str) -> Vec<&str> {
    let opened = text.split('{').skip(1);
    opened
        .filter_map(|after| after.split_once('}').map(|(name, _)| name))
        .collect()
}

#[test]
fn the_table_of_messages_is_what_the_shapes_declare() {
    let (_, section) = crate::Rules::language()
        .split_once("## Messages\n")
        .expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let told: Vec<(&str, Vec<&str>)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`'), blanks(cells[2]))
        })
        .collect();
    let declared: Vec<(&str, Vec<&str>)> = OF
        .iter()
        .map(|(shape, names)| (*shape, names.to_vec()))
        .collect();
    assert_eq!(told, declared);
    let every = section
        .lines()
        .find(|line| line.contains("Every message"))
        .expect("a line");
    assert_eq!(blanks(every), ALL);
    let shapes: Vec<&str> = crate::shape::SHAPES
        .iter()
        .map(|shape| shape.name)
        .collect();
    assert_eq!(
        shapes,
        OF.iter().map(|(shape, _)| *shape).collect::<Vec<_>>()
    );
}
