//! DSSE: what is signed, and the JSON around it.

use ct_codecs::{Base64, Base64UrlSafe, Decoder, Encoder};

use super::PAYLOAD_TYPE;
use super::check::{Flaw, read_json};
use super::statement::array;
use crate::Terms;
use crate::json::{Value, quote};
use crate::outcome::FailureKind;

/// Each costs a verification, and one of them has to be ours.
const MOST_SIGNATURES: usize = 64;

/// A payload and who vouches for it.
pub(super) struct Envelope {
    pub(super) payload_type: String,
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Signature>,
}

pub(super) struct Signature {
    /// A hint that nobody signed.
    pub(super) keyid: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// The pre-authentication encoding: the type is signed with the payload, so that neither can be taken for another.
pub(super) fn to_sign(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (ty, length) = (payload_type.len(), payload.len());
    let mut bytes = format!("DSSEv1 {ty} {payload_type} {length} ").into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    pub(super) fn new(payload: Vec<u8>, keyid: Option<String>, bytes: Vec<u8>) -> Self {
        let payload_type = PAYLOAD_TYPE.to_owned();
        let signatures = vec![Signature { keyid, bytes }];
        Self {
            payload_type,
            payload,
            signatures,
        }
    }

    pub(super) fn render(&self) -> String {
        let signatures: Vec<String> = self.signatures.iter().map(Signature::render).collect();
        format!(
            "{{\"payloadType\":{},\"payload\":\"{}\",\"signatures\":[{}]}}\n",
            quote(&self.payload_type),
            encode(&self.payload),
            signatures.join(",")
        )
    }

    pub(super) fn parse(bytes: &[u8], terms: &Terms) -> Result<Self, Flaw> {
        let doc = read_json(bytes, FailureKind::BadEnvelope, terms)?;
        let root = doc.root();
        let text = |key| root.get(key).and_then(Value::string);
        let bad = |why: &str| Flaw::new(FailureKind::BadEnvelope, why);
        let payload_type = text("payloadType").ok_or_else(|| bad("it has no `payloadType`"))?;
        let payload = text("payload").and_then(|text| decode(&text));
        let payload = payload.ok_or_else(|| bad("its `payload` is no base64"))?;
        let signatures = array(root, "signatures")
            .into_iter()
            .flat_map(Value::children);
        let signatures: Option<Vec<_>> = signatures
            .take(MOST_SIGNATURES + 1)
            .map(Signature::read)
            .collect();
        let signatures =
            signatures.ok_or_else(|| bad("one of its `signatures` has no `sig` in base64"))?;
        match signatures.len() {
            0 => Err(bad("it has no `signatures`")),
            1..=MOST_SIGNATURES => Ok(Self {
                payload_type: payload_type.into_owned(),
                payload,
                signatures,
            }),
            _ => Err(bad("it has more than 64 `signatures`")),
        }
    }
}

impl Signature {
    fn render(&self) -> String {
        let keyid = self.keyid.as_ref();
        let keyid = keyid.map_or_else(String::new, |id| format!("\"keyid\":{},", quote(id)));
        format!("{{{keyid}\"sig\":\"{}\"}}", encode(&self.bytes))
    }

    fn read(entry: Value<'_>) -> Option<Self> {
        let keyid = entry.get("keyid").and_then(Value::string);
        let sig = entry.get("sig")?.string()?;
        Some(Self {
            // An empty field is one that was left out.
            keyid: keyid.map(Into::into).filter(|id: &String| !id.is_empty()),
            bytes: decode(&sig)?,
        })
    }
}

/// Only a length beyond memory has no base64.
fn encode(bytes: &[u8]) -> String {
    Base64::encode_to_string(bytes).unwrap_or_default()
}

/// Either alphabet, with its padding and nothing else.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = Base64::decode_to_vec(text, None);
    standard
        .or_else(|_| Base64UrlSafe::decode_to_vec(text, None))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_signed_has_both_lengths_in_bytes() {
        let pae = to_sign("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            pae,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(to_sign("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(payload in any::<Vec<u8>>(), keyid in prop::option::of(".{1,9}"), sig in any::<Vec<u8>>()) {
            let written = Envelope::new(payload, keyid, sig);
            let read = Envelope::parse(written.render().as_bytes(), &Terms::new()).ok().unwrap();
            prop_assert_eq!(&read.payload, &written.payload);
            prop_assert_eq!(&read.payload_type, PAYLOAD_TYPE);
            prop_assert_eq!(&read.signatures[0].keyid, &written.signatures[0].keyid);
            prop_assert_eq!(&read.signatures[0].bytes, &written.signatures[0].bytes);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in any::<Vec<u8>>()) {
            let _ = Envelope::parse(&bytes, &Terms::new());
        }
    }
}
