//! What the holder writes into the lock file: lines of fixed width, fit for `cat`, overwritten in place.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::identity::{self, Identity};
use crate::{Error, Fence, Request, request};

pub(crate) const SIZE: usize = 896;
const MAGIC: &[u8] = b"runward-lock 1\n";
const LABEL: usize = 9;
const HELD: u8 = b'n';
const RELEASED: u8 = b'y';

pub(crate) const RUN_ID_MAX: usize = RUN_ID.width;
pub(crate) const WHAT_MAX: usize = WHAT.width;
pub(crate) const TRACE_MAX: usize = TRACE.width;

#[derive(Clone, Copy)]
struct Field {
    label: &'static [u8; LABEL],
    at: usize,
    width: usize,
}

impl Field {
    const fn after(start: usize, label: &'static [u8; LABEL], width: usize) -> Self {
        Self {
            label,
            at: start + LABEL,
            width,
        }
    }

    const fn end(&self) -> usize {
        self.at + self.width + 1
    }
}

const CLEAN: Field = Field::after(MAGIC.len(), b"released ", 1);
const FENCE: Field = Field::after(CLEAN.end(), b"fence    ", 20);
const PID: Field = Field::after(FENCE.end(), b"pid      ", 10);
const START: Field = Field::after(PID.end(), b"start    ", 20);
const BOOT: Field = Field::after(START.end(), b"boot     ", 36);
const PIDNS: Field = Field::after(BOOT.end(), b"pidns    ", 20);
const SINCE: Field = Field::after(PIDNS.end(), b"since    ", 20);
const RUN_ID: Field = Field::after(SINCE.end(), b"run      ", 96);
const WHAT: Field = Field::after(RUN_ID.end(), b"what     ", 96);
const TRACE: Field = Field::after(WHAT.end(), b"trace    ", 400);
const SUM: Field = Field::after(TRACE.end(), b"sum      ", 16);
const FIELDS: [Field; 11] = [
    CLEAN, FENCE, PID, START, BOOT, PIDNS, SINCE, RUN_ID, WHAT, TRACE, SUM,
];

pub(crate) const CLEAN_AT: u64 = CLEAN.at as u64;
pub(crate) const CLEAN_BYTE: [u8; 1] = [RELEASED];

const fn blank() -> [u8; SIZE] {
    let mut image = [b' '; SIZE];
    let mut i = 0;
    while i < MAGIC.len() {
        image[i] = MAGIC[i];
        i += 1;
    }
    let mut f = 0;
    while f < FIELDS.len() {
        let field = FIELDS[f];
        let mut c = 0;
        while c < LABEL {
            image[field.at - LABEL + c] = field.label[c];
            c += 1;
        }
        image[field.end() - 1] = b'\n';
        f += 1;
    }
    image[SIZE - 1] = b'\n';
    image
}

/// What a holder wrote about itself: the present one, or the one before.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(Box<[u8; SIZE]>);

impl Record {
    /// What all records of this process have in common.
    pub(crate) fn template(identity: &Identity) -> Self {
        let mut record = Self(Box::new(BLANK));
        record.0[CLEAN.at] = HELD;
        record.sign(identity);
        record
    }

    /// What an unfinished predecessor has left stays traceable until its heir has seen to it.
    pub(crate) fn new(
        template: &Self,
        fence: Fence,
        request: &Request<'_>,
        unfinished: Option<&Self>,
    ) -> Self {
        let mut record = template.clone();
        record.number(FENCE, fence.get());
        record.number(SINCE, unix_seconds());
        record.start_with(RUN_ID, &request.run_id);
        record.start_with(WHAT, &request.what);
        record.start_with(TRACE, unfinished.map_or(&*request.trace, Self::trace));
        record.seal();
        record
    }

    /// What this process leaves as the holder after `predecessor`: the predecessor's trace, if that was killed and has left one.
    /// For implementations of [`crate::Locks`].
    pub fn of_holder(fence: Fence, request: &Request<'_>, predecessor: Option<&Self>) -> Self {
        let unfinished = predecessor.filter(|dead| dead.is_unfinished());
        Self::new(
            &Self::template(&Identity::own()),
            fence,
            request,
            unfinished,
        )
    }

    /// The record in these bytes, as [`as_bytes`](Self::as_bytes) gave them; none if they are not whole.
    /// For implementations of [`crate::Locks`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes.to_vec())
    }

    /// Lines of text, for an implementation of [`crate::Locks`] to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }

    /// Says that the holder released the lock itself. For implementations of [`crate::Locks`].
    pub fn set_released(&mut self) {
        self.0[CLEAN.at] = RELEASED;
    }

    /// Says where the holder's own journal is. For implementations of [`crate::Locks`], in [`crate::Hold::settle`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::InvalidRequest`] if it is longer than 400 bytes or has control characters.
    pub fn set_trace(&mut self, trace: &str) -> Result<(), Error> {
        request::check_text("trace", trace, TRACE_MAX)?;
        self.text(TRACE, trace.as_bytes());
        self.seal();
        Ok(())
    }

    /// The record in these bytes, unless they are torn or of another make.
    pub(crate) fn decode(bytes: Vec<u8>) -> Option<Self> {
        let image: Box<[u8; SIZE]> = bytes.into_boxed_slice().try_into().ok()?;
        let whole = is_framed(&image) && sum_text(&image) == image[SUM.at..SUM.at + SUM.width];
        // No holder was ever given a fence without a next one; whoever wrote it was none.
        Some(Self(image)).filter(|record| whole && record.fence().can_be_given())
    }

    pub(crate) fn bytes(&self) -> &[u8; SIZE] {
        &self.0
    }

    /// Makes a process the owner, and the sum true.
    pub(crate) fn sign(&mut self, identity: &Identity) {
        self.number(PID, identity.pid.into());
        self.number(START, identity.start);
        self.text(BOOT, identity.boot.as_bytes());
        self.number(PIDNS, identity.pidns);
        self.seal();
    }

    pub(crate) fn set_what(&mut self, what: &str) {
        self.text(WHAT, what.as_bytes());
        self.seal();
    }

    /// Whether its holder was killed, and has left a trace of what is to be finished.
    pub fn is_unfinished(&self) -> bool {
        !self.released() && !self.trace().is_empty()
    }

    fn seal(&mut self) {
        let sum = sum_text(&self.0);
        self.slice_mut(SUM).copy_from_slice(&sum);
    }

    /// The fence of the holder.
    pub fn fence(&self) -> Fence {
        Fence::new(self.parse(FENCE))
    }

    /// The holder's process id, in its own pid namespace.
    pub fn pid(&self) -> u32 {
        u32::try_from(self.parse(PID)).unwrap_or(0)
    }

    /// When it took the lock.
    pub fn since(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.parse(SINCE)))
            .unwrap_or(UNIX_EPOCH)
    }

    /// The id of its run; empty if it gave none.
    pub fn run_id(&self) -> &str {
        self.str(RUN_ID)
    }

    /// What it is, or was, doing; empty if it did not say.
    pub fn what(&self) -> &str {
        self.str(WHAT)
    }

    /// Where its journal is; empty if it did not say.
    pub fn trace(&self) -> &str {
        self.str(TRACE)
    }

    /// Whether the holder released the lock itself. If not, and the lock is free, the holder was killed, or lost with the machine.
    pub fn released(&self) -> bool {
        self.0[CLEAN.at] == RELEASED
    }

    /// Whether the process that wrote this is alive: pid, start time, boot and pid namespace must all match.
    /// A record from another boot is never of a live process; one from another pid namespace cannot be told and is not.
    pub fn owner_alive(&self) -> bool {
        self.pid() != 0 && Identity::of(self.pid()).is_some_and(|live| self.is_of(&live))
    }

    /// Whether whoever it names may still hold anything: nobody has held a lock since before the system was started.
    pub(crate) fn may_be_held(&self) -> bool {
        !self.released() && self.str(BOOT) == identity::boot_id()
    }

    fn is_of(&self, live: &Identity) -> bool {
        live.start != 0
            && self.parse(START) == live.start
            && self.str(BOOT) == live.boot
            && self.parse(PIDNS) == live.pidns
    }

    fn slice(&self, field: Field) -> &[u8] {
        &self.0[field.at..field.at + field.width]
    }

    fn slice_mut(&mut self, field: Field) -> &mut [u8] {
        &mut self.0[field.at..field.at + field.width]
    }

    fn str(&self, field: Field) -> &str {
        std::str::from_utf8(self.slice(field))
            .unwrap_or_default()
            .trim_end_matches(' ')
    }

    fn parse(&self, field: Field) -> u64 {
        let mut number = 0u64;
        for byte in self.slice(field) {
            match byte {
                b'0'..=b'9' => {
                    number = number
                        .saturating_mul(10)
                        .saturating_add(u64::from(byte - b'0'))
                }
                b' ' => break,
                _ => return 0,
            }
        }
        number
    }

    /// Each field is as wide as the largest value of its type.
    fn number(&mut self, field: Field, mut value: u64) {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        while value >= 100 {
            first -= 2;
            digits[first..first + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
        }
        digits[first - 2..first].copy_from_slice(&PAIRS[value as usize]);
        first -= if value < 10 { 1 } else { 2 };
        self.text(field, &digits[first..]);
    }

    /// For a field that is blank.
    fn start_with(&mut self, field: Field, text: &str) {
        let used = text.len().min(field.width);
        self.0[field.at..field.at + used].copy_from_slice(&text.as_bytes()[..used]);
    }

    fn text(&mut self, field: Field, bytes: &[u8]) {
        let (used, rest) = self
            .slice_mut(field)
            .split_at_mut(bytes.len().min(field.width));
        used.copy_from_slice(&bytes[..used.len()]);
        rest.fill(b' ');
    }
}

/// Of the coarse clock, which costs a quarter of the fine one and is at most one tick behind it.
fn unix_seconds() -> u64 {
    u64::try_from(clock_gettime(ClockId::RealtimeCoarse).tv_sec).unwrap_or(0)
}

/// Where the summed words begin: right behind the byte that a release flips, but for what does not fill a word.
const SUMMED: usize = SUM.at - (SUM.at - CLEAN.end()) / 8 * 8;
static BLANK: [u8; SIZE] = blank();

/// Whether what is not summed is as it always is.
fn is_framed(image: &[u8; SIZE]) -> bool {
    let is_blank = |range: Range<usize>| image[range.clone()] == BLANK[range];
    let known = is_blank(0..CLEAN.at) && matches!(image[CLEAN.at], HELD | RELEASED);
    known && is_blank(CLEAN.at + 1..SUMMED) && is_blank(SUM.at + SUM.width..SIZE)
}

/// The sum in hexadecimal.
fn sum_text(image: &[u8; SIZE]) -> [u8; 16] {
    let sum = mix(&image[SUMMED..SUM.at]);
    std::array::from_fn(|i| b"0123456789abcdef"[(sum >> (60 - 4 * i)) as usize & 15])
}

/// The halves of each word, multiplied, in a form that compilers turn into vectors: it has to notice a torn read, not an adversary.
fn mix(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (mut sum, mut key) = (ODD, ODD);
    for word in bytes.chunks_exact(8) {
        let word = word.try_into().map_or(0, u64::from_le_bytes) ^ key;
        sum = sum.wrapping_add((word & 0xffff_ffff) * (word >> 32));
        key = key.wrapping_add(ODD);
    }
    sum
}

/// The numbers below a hundred, as text.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < pairs.len() {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("released", &self.released())
            .field("fence", &self.fence().get())
            .field("pid", &self.pid())
            .field("since", &self.parse(SINCE))
            .field("run_id", &self.run_id())
            .field("what", &self.what())
            .field("trace", &self.trace())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
