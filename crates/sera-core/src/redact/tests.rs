//! Every class of secret is found, replaced in kind, and left alone when seen again; code is not.
//! The secrets here are put together at run time: no scanner should find one in this file.
use super::*;
use crate::FilePatch;
use proptest::prelude::*;

fn redactor() -> Redactor {
    Redactor::new([7; 32])
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

/// `length` characters of `alphabet` without pattern.
fn noise(alphabet: &str, length: usize, seed: u64) -> String {
    let mut from = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut byte = [0];
    let mut draw = || {
        from.fill(&mut byte);
        char::from(alphabet.as_bytes()[usize::from(byte[0]) % alphabet.len()])
    };
    (0..length).map(|_| draw()).collect()
}

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// What stands before the secret, the secret, what stands after it.
fn planted(seed: u64) -> Vec<(String, String, String)> {
    let plain = [
        ("x = '", "AKIA", UPPER, 16, "'"),
        ("aws_secret_access_key = ", "", ALNUM, 40, "\n"),
        ("git clone https://", "ghp_", ALNUM, 36, "@github.com/a/b"),
        ("", "github_pat_", ALNUM, 82, " "),
        ("", "glpat-", ALNUM, 20, "\n"),
        ("", "xoxb-", ALNUM, 40, "\""),
        ("https://hooks.slack.com/services/", "", ALNUM, 44, ""),
        ("", "sk_live_", ALNUM, 24, ","),
        ("", "whsec_", ALNUM, 32, ""),
        ("", "AIza", ALNUM, 35, ""),
        ("", "ya29.", ALNUM, 60, ""),
        ("", "GOCSPX-", ALNUM, 28, ""),
        ("AccountKey=", "", ALNUM, 86, "=="),
        ("", "dop_v1_", HEX, 64, ""),
        ("//registry.npmjs.org/:_authToken=", "npm_", ALNUM, 36, "\n"),
        ("", "pypi-AgE", ALNUM, 150, ""),
        ("", "dckr_pat_", ALNUM, 27, ""),
        ("", "rubygems_", HEX, 48, ""),
        ("", "sk-ant-", ALNUM, 90, ""),
        ("", "hf_", ALNUM, 34, ""),
        ("", "key-", HEX, 32, ""),
        ("", "SK", HEX, 32, ""),
        ("", "shpat_", HEX, 32, ""),
        ("postgres://user:", "", ALNUM, 20, "@host/db"),
        ("api_key = \"", "", ALNUM, 32, "\""),
        ("\"clientSecret\": \"", "", ALNUM, 24, "\","),
        ("password: '", "", ALNUM, 20, "'"),
        ("SESSION_TOKEN=", "", ALNUM, 48, "\n"),
        ("config['secret_key'] = \"", "", ALNUM, 50, "\""),
        ("-----BEGIN RSA PRIVATE KEY-----\n", "", ALNUM, 600, "\n-----END RSA PRIVATE KEY-----"),
    ];
    let mut planted: Vec<_> = plain
        .into_iter()
        .zip(seed * 1000..)
        .map(|((before, prefix, alphabet, length, after), seed)| {
            let before = format!("{before}{prefix}");
            (before, noise(alphabet, length, seed), after.to_owned())
        })
        .collect();
    let part = |i| noise(ALNUM, 30, seed * 1000 + i);
    let token = format!("{}.eyJ{}.{}", part(900), part(901), part(902));
    planted.push(("Bearer eyJ".to_owned(), token, "\n".to_owned()));
    planted
}

#[test]
fn every_class_is_found_and_replaced_in_kind() {
    for seed in 0..40 {
        for (before, secret, after) in planted(seed) {
            let text = format!("# é\n{before}{secret}{after}\nrest = 1\n");
            let (redacted, count) = redactor().redact(&text);
            assert!(count >= 1 && !redacted.contains(&secret), "{before}{secret}{after} is found");
            assert_eq!(redacted.len(), text.len());
            let class = |c: char| match c {
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                '0'..='9' => '0',
                other => other,
            };
            assert!(redacted.chars().map(class).eq(text.chars().map(class)), "{redacted}");
            assert_eq!(redactor().redact(&redacted), (redacted.clone(), 0), "{text}");
            assert_ne!(Redactor::new([8; 32]).redact(&text).0, redacted, "keyed");
        }
    }
}

#[test]
fn code_is_left_alone() {
    let code = [
        "token = get_token_from_request(request)\n",
        "let token = sha256_of_the_input;\n",
        "key = hmac_sha256_digest_value\n",
        "password = os.environ['PASSWORD_V2_VALUE']\n",
        "secret_key: String,\n",
        "\"tokenizer\": \"HuggingFaceTokenizerFast\"\n",
        "password = \"utf8_general_ci_v2\"\n",
        "api_key = \"YOUR_API_KEY_EXAMPLE_12\"\n",
        "postgres://user:password@host/db\n",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n",
        "self.skip_whitespace_and_comments_until_token = 1\n",
        "https://example.com/a:b@c\n",
        "task_execution_result_identifier_long_name_for_ask-forgiveness\n",
        "assert sk_test_function_name is not None\n",
        "tokens = tokens[:max_tokens_v2] # token: 12\n",
        "assert pem.startswith('-----BEGIN PRIVATE KEY-----') and pem.endswith('-----END PRIVATE KEY-----')\n",
        "linear = LinearRegression(fit_intercept=True, copy_X=True)\n",
        "elastic: 'net', circle: Circle(radius1=2)\n",
        "Basic usage2 is explained below in the second chapter\n",
        "bearer = Bearer(auto_error=False, scheme_name='HTTPBearer')\n",
        "resolved github.com/lib/pq v1.10.9 h1:YXG7RB+JIjhP29X+OtkiDnYaXQwpS4JEWq7dtCCRUEw=\n",
        "self.password_hash2 = generate_password_hash(password2)\n",
        "--token-file /etc/service/token-file-name-v2\n",
        "session = Session(bind=engine2, autoflush=False)\n",
    ];
    for text in code {
        assert_eq!(redactor().redact(text), (text.to_owned(), 0));
    }
}

#[test]
fn the_same_secret_has_one_pseudonym_everywhere() {
    let secret = noise(ALNUM, 36, 5);
    let shown = |text: String| redactor().redact(&text).0;
    let first = shown(format!("a = 'ghp_{secret}'"));
    let second = shown(format!("token: ghp_{secret}\n"));
    assert!(second.contains(&first[5..45]), "{first} {second}");
    let both = format!("{first}\n{second}");
    assert_eq!(redactor().replaced(&both), 2);
    assert_eq!(Redactor::new([9; 32]).replaced(&both), 0, "they are another key's");
    assert_eq!(redactor().replaced(&format!("a = 'ghp_{secret}'")), 0, "it stands there itself");
}

#[test]
fn files_that_hold_secrets_are_denied() {
    for name in [
        ".env",
        "a/.env.local",
        ".envrc",
        "x.pem",
        "certs/X.PEM",
        "server.key",
        "id_rsa",
        "id_ed25519.pub",
        ".npmrc",
        "a/.netrc",
        "home/.ssh/config",
        "t.tfstate",
        "t.tfstate.backup",
        "kubeconfig",
        ".aws/credentials",
        "secrets.yaml",
        ".env.production",
        "deploy/prod.env",
        "infra/prod.auto.tfvars.json",
        "infra/terraform.tfstate.1.backup",
        ".kube/config",
        "home/.config/gcloud/application_default_credentials.json",
        "config/master.key",
        "config/credentials.yml.enc",
        "a/.git-credentials",
        ".pgpass",
        "auth.json",
        ".bash_history",
        "AuthKey_1.p8",
        "signing.jks",
        ".password-store/mail.txt",
        "vpn/client.ovpn",
        "krb5.keytab",
    ] {
        assert!(denied(&path(name)), "{name}");
    }
    for name in [
        "id_map.rs",
        "src/id_generator.py",
        "env.py",
        "environment.rs",
        "key.rs",
        "pem/mod.rs",
        "src/credentials.py",
        "keys.go",
        "environ/settings.py",
        "src/env.ts",
        "src/secrets.py",
        "lib/secret.rb",
        "tokenizer.json",
        "auth.py",
        "src/auth/json.rs",
        "docker/Dockerfile",
        "tests/data/cert.crt",
        "keyboard.c",
        "id_rsa.go",
        "history.py",
        "terraform/main.tf",
        "kube/config.go",
        "Makefile",
    ] {
        assert!(!denied(&path(name)), "{name}");
    }
    // A path says a secret as loudly as a text does.
    assert!(denied(&path(&format!("backup/ghp_{}/main.py", noise(ALNUM, 36, 1)))));
}

fn patch(old: &str, new: &str) -> Patch {
    Patch { files: FilePatch::between(&path("f"), Some(old), Some(new)).into_iter().collect() }
}

#[test]
fn a_patch_touches_a_secret_only_where_it_changes_one() {
    let line = format!("token = \"{}\"\n", noise(ALNUM, 32, 1));
    let check = |old: String, new: String, expect: bool| {
        assert_eq!(redactor().touches_secret(&patch(&old, &new)), expect, "{old}{new}");
        let shown = (redactor().redact(&old).0, redactor().redact(&new).0);
        let touches = redactor().touches_secret(&patch(&shown.0, &shown.1));
        assert_eq!(touches, expect, "as pseudonyms: {shown:?}");
    };
    check(format!("{line}a\n"), format!("{line}b\n"), false);
    check(format!("{line}a\n"), "a\n".to_owned(), true);
    check("a\n".to_owned(), format!("{line}a\n"), true);
    let block = |middle: &str| {
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n{middle}\n-----END PRIVATE KEY-----\n",
            noise(ALNUM, 64, 2)
        )
    };
    check(block(&noise(ALNUM, 64, 3)), block(&noise(ALNUM, 64, 4)), true);
}

#[test]
fn patches_are_mapped_back_to_the_text_as_it_stands() {
    let secret = noise(ALNUM, 32, 1);
    let original = format!("token = \"{secret}\"\na = 1\nb = 2\n");
    let redacted = redactor().redact(&original).0;
    let made = patch(&redacted, &redacted.replace("a = 1", "a = 9"));
    assert!(!made.to_string().contains(&secret));
    let read = |_: &TreePath| Some(original.clone());
    let restored = redactor().restore(&made, &read).unwrap();
    let after = restored.apply(&read, 0).unwrap();
    assert_eq!(after[0].1.as_deref(), Some(original.replace("a = 1", "a = 9").as_str()));
    let touching = patch(&redacted, "a = 1\nb = 2\n");
    assert_eq!(redactor().restore(&touching, &read), None);
    let stale = |_: &TreePath| Some("other\n".to_owned());
    assert_eq!(redactor().restore(&made, &stale), None);
}

#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", redactor()), "Redactor { .. }");
}

fn piece() -> impl Strategy<Value = String> {
    let planted =
        |seed| planted(seed).into_iter().map(|(before, secret, after)| before + &secret + &after);
    let known: Vec<String> = (0..3).flat_map(planted).collect();
    prop_oneof![
        prop::sample::select(known),
        "(token|secret|key|://u:|@|=|: |\"|'|\n|[a-zA-Z0-9_+/=-]{1,30}){0,8}",
        "[ -~\n]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn redacting_again_changes_nothing(pieces in prop::collection::vec(piece(), 0..6)) {
        let text = pieces.concat();
        let (once, _) = redactor().redact(&text);
        prop_assert_eq!(once.len(), text.len());
        prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
        let (twice, count) = redactor().redact(&once);
        prop_assert_eq!((twice, count), (once, 0));
    }
}
