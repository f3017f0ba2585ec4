use super::{Doc, Value};

/// Values of one document, in their order: four bytes each, as there may be as many as a document has.
#[derive(Clone)]
pub(crate) struct Values<'d> {
    doc: &'d Doc,
    at: Vec<u32>,
}

impl<'d> Values<'d> {
    pub(crate) fn one(value: Value<'d>) -> Self {
        let Value { doc, at } = value;
        let at = vec![at];
        Self { doc, at }
    }

    /// None yet, of the same document.
    pub(crate) fn none(&self) -> Self {
        let doc = self.doc;
        let at = Vec::new();
        Self { doc, at }
    }

    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = Value<'d>>) {
        self.at.extend(values.into_iter().map(|value| value.at));
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    pub(crate) fn first(&self) -> Option<Value<'d>> {
        self.iter().next()
    }

    pub(crate) fn last(&self) -> Option<Value<'d>> {
        self.at.last().map(|at| Value::new(self.doc, *at))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'d>> + use<'_, 'd> {
        let doc = self.doc;
        self.at.iter().map(move |at| Value::new(doc, *at))
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let doc = self.doc;
        self.at.into_iter().map(move |at| Value::new(doc, at))
    }
}
