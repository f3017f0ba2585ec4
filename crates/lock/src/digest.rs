//! SHA-256 (FIPS 180-4), for the suffix that keeps slugs of different texts apart.

const fn primes() -> [u64; 64] {
    let (mut found, mut count, mut n) = ([0; 64], 0, 2);
    while count < 64 {
        let (mut d, mut prime) = (2, true);
        while d * d <= n {
            if n % d == 0 {
                prime = false;
            }
            d += 1;
        }
        if prime {
            found[count] = n;
            count += 1;
        }
        n += 1;
    }
    found
}

/// The first 32 bits of the fraction of the `degree`th root of `n`, by bisection on integers.
const fn root_fraction(n: u64, degree: u32) -> u32 {
    let (mut low, mut high) = (0u128, 1u128 << 37);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let power = if degree == 2 {
            middle * middle
        } else {
            middle * middle * middle
        };
        if power <= (n as u128) << (32 * degree) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low as u32
}

const fn constants<const N: usize>(degree: u32) -> [u32; N] {
    let (primes, mut table, mut i) = (primes(), [0; N], 0);
    while i < N {
        table[i] = root_fraction(primes[i], degree);
        i += 1;
    }
    table
}

const START: [u32; 8] = constants(2);
const ROUND: [u32; 64] = constants(3);

pub(crate) fn sha256(text: &[u8]) -> [u32; 8] {
    let mut padded = text.to_vec();
    padded.push(0x80);
    padded.resize((text.len() + 9).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    padded.chunks_exact(64).fold(START, compress)
}

fn compress(state: [u32; 8], block: &[u8]) -> [u32; 8] {
    let schedule = expand(block);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for i in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let t1 = h
            .wrapping_add(s1)
            .wrapping_add(choice)
            .wrapping_add(ROUND[i])
            .wrapping_add(schedule[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    let mut next = [a, b, c, d, e, f, g, h];
    next.iter_mut()
        .zip(state)
        .for_each(|(n, s)| *n = n.wrapping_add(s));
    next
}

fn expand(block: &[u8]) -> [u32; 64] {
    let mut w = [0u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for i in 16..64 {
        let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
        let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16]
            .wrapping_add(s0)
            .wrapping_add(w[i - 7])
            .wrapping_add(s1);
    }
    w
}

#[cfg(test)]
mod tests {
    use super::sha256;

    fn hex(text: &str) -> String {
        sha256(text.as_bytes())
            .iter()
            .map(|word| format!("{word:08x}"))
            .collect()
    }

    #[test]
    fn published_vectors() {
        assert_eq!(
            hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
    }
}
