//! The cut and the held-out rules: decided once, before any rollout, by seed.
use crate::FunctionKey;

/// How many of `eligible` commits, newest first, are held out:
/// min(max(50, 10 %), 25 %), and none below 8 (then functions alone are held out).
pub fn held_out_commits(eligible: usize) -> usize {
    if eligible < 8 { 0 } else { (eligible / 10).max(50).min(eligible / 4) }
}

/// Whether a function is held out: BLAKE3(path NUL name) mod 10 = 0, where the digest's first
/// eight bytes are read as a little-endian number.
pub fn held_out_function(key: &FunctionKey) -> bool {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.path.as_str().as_bytes()).update(&[0]).update(key.name.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TreePath;

    #[test]
    fn commits_held_out_follow_the_documented_rule() {
        let cases = [
            (0, 0),
            (7, 0),
            (8, 2),
            (12, 3),
            (100, 25),
            (199, 49),
            (200, 50),
            (500, 50),
            (510, 51),
            (10_000, 1_000),
        ];
        for (eligible, held_out) in cases {
            assert_eq!(held_out_commits(eligible), held_out, "of {eligible} eligible");
        }
    }

    fn key(path: &str, name: &str) -> FunctionKey {
        FunctionKey { path: TreePath::new(path).unwrap(), name: name.to_owned() }
    }

    #[test]
    fn about_a_tenth_of_functions_is_held_out_for_ever() {
        let held: Vec<usize> =
            (0..10_000).filter(|i| held_out_function(&key("src/a.py", &format!("f{i}")))).collect();
        assert!((900..=1100).contains(&held.len()), "{} of 10,000 are held out", held.len());
        // Membership must never move between versions: a trained-on function would become a test.
        assert_eq!(held[..4], PINNED);
    }

    const PINNED: [usize; 4] = [1, 2, 5, 15];

    #[test]
    fn path_and_name_do_not_run_together() {
        let tells_apart = (0..64).any(|i| {
            let (a, b) = (key("a", &format!("b{i}")), key("ab", &format!("{i}")));
            held_out_function(&a) != held_out_function(&b)
        });
        assert!(tells_apart);
    }
}
