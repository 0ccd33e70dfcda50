//! Kinds of secrets, written from what the services document, for the tests here that count which of
//! them are replaced and for those of the daemon that look for them wherever they may have gone.
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// A kind: what it is called, the name it is kept under, its form. `%20w` stands for twenty letters
/// and digits; see [`alphabet`]. One that needs its name to be told begins with `=`.
pub(crate) const KINDS: &[(&str, &str, &str)] = &[
    ("aws access key", "aws_access_key_id", "AKIA%16u"),
    ("aws secret key", "aws_secret_access_key", "=%40b"),
    ("google api key", "google_maps_key", "AIzaSy%33s"),
    ("google oauth secret", "client_secret", "GOCSPX-%28s"),
    ("google refresh token", "refresh_token", "1//0%60s"),
    ("azure storage key", "storage_account", "=%86b=="),
    ("azure client secret", "azure_client_secret", "%3w8Q~%34s"),
    ("azure devops token", "azure_devops_ext_pat", "%76wAZDO%4w"),
    ("alibaba access key", "alicloud_access_key", "LTAI%20w"),
    ("digitalocean token", "digitalocean_token", "dop_v1_%64h"),
    ("heroku key", "heroku_api_key", "HRKU-AA%58s"),
    ("heroku old key", "heroku_api_key", "=%8h-%4h-%4h-%4h-%12h"),
    ("cloudflare token", "cloudflare_api_token", "=%40s"),
    ("fastly token", "fastly_api_token", "=%32s"),
    ("fly token", "fly_api_token", "fo1_%43s"),
    ("vercel token", "vercel_token", "=%24w"),
    ("netlify token", "netlify_auth_token", "nfp_%36w"),
    ("planetscale password", "database_password", "pscale_pw_%43s"),
    ("supabase token", "supabase_access_token", "sbp_%40h"),
    ("databricks token", "databricks_token", "dapi%32h"),
    ("github token", "github_token", "ghp_%36w"),
    ("github server token", "gh_token", "ghs_%36w"),
    ("github fine-grained", "github_pat", "github_pat_%22w_%59w"),
    ("gitlab token", "gitlab_token", "glpat-%20s"),
    ("gitlab runner token", "runner_token", "glrt-%20s"),
    ("gitlab trigger token", "trigger_token", "glptt-%40h"),
    ("bitbucket app password", "bitbucket_app_password", "ATBB%32w"),
    ("atlassian token", "jira_api_token", "ATATT3xFfGF0%180s"),
    ("circleci token", "circleci_token", "CCIPAT_%22w_%40h"),
    ("buildkite token", "buildkite_api_token", "bkua_%40h"),
    ("sonar token", "sonar_token", "squ_%40h"),
    ("snyk token", "snyk_token", "=%8h-%4h-%4h-%4h-%12h"),
    ("codecov token", "codecov_token", "=%8h-%4h-%4h-%4h-%12h"),
    ("jenkins token", "jenkins_token", "=11%32h"),
    ("artifactory key", "artifactory_api_key", "AKCp%69w"),
    ("npm token", "npm_token", "npm_%36w"),
    ("pypi token", "twine_password", "pypi-AgEIcHlwaS5vcmc%150s"),
    ("rubygems key", "gem_host_api_key", "rubygems_%48h"),
    ("crates token", "cargo_registry_token", "cio%32w"),
    ("nuget key", "nuget_api_key", "oy2%43l"),
    ("docker token", "docker_password", "dckr_pat_%27s"),
    ("vault token", "vault_token", "hvs.%95s"),
    ("terraform token", "tfe_token", "%14w.atlasv1.%67s"),
    ("doppler token", "doppler_token", "dp.pt.%43w"),
    ("pulumi token", "pulumi_access_token", "pul-%40h"),
    ("tailscale key", "ts_authkey", "tskey-auth-%12wCNTRL-%32w"),
    ("age key", "age_key", "AGE-SECRET-KEY-1%58u"),
    ("openai key", "openai_api_key", "sk-proj-%74sT3BlbkFJ%74s"),
    ("openai old key", "openai_api_key", "sk-%20wT3BlbkFJ%20w"),
    ("anthropic key", "anthropic_api_key", "sk-ant-api03-%93sAA"),
    ("hugging face token", "hf_token", "hf_%34a"),
    ("groq key", "groq_api_key", "gsk_%52w"),
    ("replicate token", "replicate_api_token", "r8_%37w"),
    ("perplexity key", "perplexity_api_key", "pplx-%48w"),
    ("wandb key", "wandb_api_key", "=%40h"),
    ("stripe live key", "stripe_secret_key", "sk_live_%24w"),
    ("stripe test key", "stripe_secret_key", "sk_test_51%96w"),
    ("stripe webhook secret", "stripe_webhook_secret", "whsec_%32w"),
    ("square token", "square_access_token", "sq0atp-%22s"),
    ("paypal secret", "paypal_client_secret", "=E%79s"),
    ("razorpay key", "razorpay_key", "rzp_live_%14w"),
    ("easypost key", "easypost_api_key", "EZAK%54w"),
    ("shopify token", "shopify_token", "shpat_%32h"),
    ("airtable token", "airtable_pat", "pat%14w.%64h"),
    ("notion token", "notion_token", "ntn_%11d%35w"),
    ("linear key", "linear_api_key", "lin_api_%40w"),
    ("figma token", "figma_token", "figd_%40s"),
    ("hubspot token", "hubspot_token", "pat-na1-%8h-%4h-%4h-%4h-%12h"),
    ("postman key", "postman_api_key", "PMAK-%24h-%34h"),
    ("slack bot token", "slack_bot_token", "xoxb-%12d-%13d-%24w"),
    ("slack user token", "slack_user_token", "xoxp-%12d-%12d-%12d-%32h"),
    ("slack app token", "slack_app_token", "xapp-1-A%10u-%13d-%64h"),
    ("slack webhook", "slack_hook", "https://hooks.slack.com/services/T%10u/B%10u/%24w"),
    ("discord bot token", "discord_token", "=M%23w.%6s.%27s"),
    ("discord webhook", "hook", "https://discord.com/api/webhooks/%19d/%68s"),
    ("telegram bot token", "telegram_token", "%10d:AA%33s"),
    ("sendgrid key", "sendgrid_api_key", "SG.%22s.%43s"),
    ("mailgun key", "mailgun_api_key", "key-%32h"),
    ("mailchimp key", "mailchimp_api_key", "%32h-us12"),
    ("brevo key", "brevo_api_key", "xkeysib-%64h-%16w"),
    ("twilio key", "twilio_api_key", "SK%32h"),
    ("twilio auth token", "twilio_auth_token", "=%32h"),
    ("datadog key", "dd_api_key", "=%32h"),
    ("new relic key", "new_relic_api_key", "NRAK-%27u"),
    ("grafana token", "grafana_token", "glsa_%32w_%8h"),
    ("sentry token", "sentry_auth_token", "sntryu_%64h"),
    ("sentry dsn", "sentry_dsn", "https://%32h@o%6d.ingest.sentry.io/%7d"),
    ("dynatrace token", "dynatrace_token", "dt0c01.%24u.%64u"),
    ("json web token", "id_token", "eyJhbGciOiJIUzI1NiJ9.eyJ%60s.%43s"),
    ("database address", "database_url", "postgresql://app:%20w@db.internal:5432/app"),
    ("broker address", "broker_url", "amqps://svc:%16p@mq.internal/vhost"),
    ("django secret key", "secret_key", "=%50x"),
    ("session secret", "session_secret", "=%64h"),
    ("signing key", "jwt_signing_key", "=%43s"),
    ("encryption key", "encryption_key", "=%43b="),
    ("password of letters and digits", "admin_password", "=%16w"),
    ("password with signs", "smtp_password", "=%18p"),
    ("password of a person", "db_passwd", "=%6L%4d%2p%4U"),
    ("api key of capitals", "weather_api_key", "=%32u"),
    ("internal token", "service_token", "=%48l"),
];

/// What a letter of a form stands for.
fn alphabet(class: u8) -> &'static str {
    match class {
        b'w' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        b'a' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        b'l' => "abcdefghijklmnopqrstuvwxyz0123456789",
        b'u' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        b'h' => "0123456789abcdef",
        b'd' => "0123456789",
        b'b' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b's' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        b'x' => "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*-_=+",
        b'p' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$%^*-_",
        b'L' => "abcdefghijklmnopqrstuvwxyz",
        b'U' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _ => unreachable!("forms use the classes above"),
    }
}

/// A secret of a form, and the longest of its random parts.
pub(crate) fn drawn(form: &str, rng: &mut ChaCha8Rng) -> (String, String) {
    let mut parts = form.trim_start_matches('=').split('%');
    let mut secret = parts.next().unwrap_or_default().to_owned();
    let mut longest = String::new();
    for part in parts {
        let class = part.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let letters = alphabet(part.as_bytes()[class]).as_bytes();
        let length: usize = part[..class].parse().unwrap();
        let mut draw = || char::from(letters[rng.random_range(0..letters.len())]);
        let random: String = (0..length).map(|_| draw()).collect();
        secret = secret + &random + &part[class + 1..];
        longest = if random.len() > longest.len() { random } else { longest };
    }
    (secret, longest)
}
