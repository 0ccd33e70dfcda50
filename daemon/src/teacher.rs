//! The configured teacher: a model server of the user's, from the user's own config.
//!
//! Every key here sends code somewhere or pays for something, so none is taken from a repository.
use crate::failure;
use anyhow::Result;
use sera_agent::dialect::Dialect;
use sera_chat::cost::DOLLAR;
use sera_chat::{Budget, Prices};
use sera_core::Digest;
use sera_git::Settings;
use sera_protocol::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};

/// Whom to ask, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Teacher {
    /// Addresses of its servers, which end in `/v1`.
    pub(crate) urls: Vec<String>,
    /// Its name there.
    pub(crate) model: String,
    /// How it writes its actions.
    pub(crate) dialect: Dialect,
    /// Trees that functions are changed in: the one at the cut, and earlier ones.
    pub(crate) bases: usize,
    /// Functions worked on at the same time.
    pub(crate) parallel: usize,
    /// Tokens of a conversation.
    pub(crate) context: u64,
    /// How much it varies.
    pub(crate) temperature: f32,
    /// Seconds that one reply may take.
    pub(crate) timeout: u64,
    /// What its tokens cost.
    pub(crate) prices: Prices,
    /// What one run may spend.
    pub(crate) budget: Budget,
    /// What a day may see spent.
    pub(crate) daily: Budget,
}

impl Teacher {
    /// The teacher of these settings; an error where none is configured, or not well.
    pub(crate) fn of(settings: &Settings) -> Result<Self> {
        let urls = settings.values("sera.teacher.url");
        let Some(model) = settings.value("sera.teacher.model").filter(|_| !urls.is_empty()) else {
            return Err(none(!urls.is_empty()));
        };
        for url in &urls {
            sera_chat::server::check(url)?;
        }
        let number = |key: &str, usual: u64| -> Result<u64> {
            Ok(parsed::<u64>(settings, key)?.unwrap_or(usual))
        };
        let price = |kind: &str| micro(settings, &format!("sera.price.{model}.{kind}"));
        let prices = Prices {
            prompt: price("prompt")?.unwrap_or(0),
            cached: price("cached")?,
            completion: price("completion")?.unwrap_or(0),
        };
        let budget = |ending: &str| -> Result<Budget> {
            Ok(Budget {
                tokens: parsed(settings, &format!("sera.budget.tokens{ending}"))?,
                microdollars: micro(settings, &format!("sera.budget.dollars{ending}"))?,
            })
        };
        let (once, daily) = (budget("")?, budget("perday")?);
        let limited = once.microdollars.or(daily.microdollars).is_some();
        let priced = price("prompt")?.is_some() && price("completion")?.is_some();
        if limited && !priced {
            let text =
                format!("a budget in dollars needs sera.price.{model}.prompt and .completion");
            return Err(failure::invalid_params(&text));
        }
        Ok(Self {
            dialect: dialect(settings)?,
            bases: number("sera.teacher.bases", 4)?.clamp(1, 64) as usize,
            parallel: number("sera.teacher.parallel", 4)?.clamp(1, 256) as usize,
            context: number("sera.teacher.context", 32_768)?,
            temperature: parsed(settings, "sera.teacher.temperature")?.unwrap_or(0.6),
            timeout: number("sera.teacher.timeout", 900)?.max(1),
            prices,
            budget: once,
            daily,
            urls,
            model,
        })
    }

    /// Names all that decides what it says.
    pub(crate) fn settings(&self) -> Digest {
        let Self { urls, model, dialect, context, temperature, .. } = self;
        let parts = (urls, model, dialect.name(), context, temperature.to_bits());
        Digest::of(&serde_json::to_vec(&parts).expect("settings are plain data"))
    }

    /// Servers that are not this machine.
    pub(crate) fn remote(&self) -> Vec<&str> {
        let remote = self.urls.iter().filter(|url| !sera_chat::server::is_local(url));
        remote.map(String::as_str).collect()
    }
}

fn none(lacks_model: bool) -> anyhow::Error {
    let (text, hint) = match lacks_model {
        true => ("the teacher has no model", "`git config --global sera.teacher.model NAME`"),
        false => (
            "no teacher is configured",
            "`git config --global sera.teacher.url http://127.0.0.1:8080/v1` names a model server",
        ),
    };
    Failure::new(ErrorCode::NoTeacher, text).hint(hint).into()
}

fn dialect(settings: &Settings) -> Result<Dialect> {
    let Some(name) = settings.value("sera.teacher.dialect") else { return Ok(Dialect::default()) };
    let names = Dialect::ALL.map(Dialect::name).join(", ");
    let wrong =
        || failure::invalid_params(&format!("sera.teacher.dialect: {name:?} is none of {names}"));
    Dialect::ALL.into_iter().find(|dialect| dialect.name() == name).ok_or_else(wrong)
}

fn parsed<T: std::str::FromStr>(settings: &Settings, key: &str) -> Result<Option<T>> {
    let wrong = |text: &str| failure::invalid_params(&format!("{key}: {text:?} is no number"));
    settings.value(key).map(|text| text.trim().parse().map_err(|_| wrong(&text))).transpose()
}

/// Dollars as micro-dollars.
fn micro(settings: &Settings, key: &str) -> Result<Option<u64>> {
    let Some(dollars) = parsed::<f64>(settings, key)? else { return Ok(None) };
    if !(0.0..1e9).contains(&dollars) {
        return Err(failure::invalid_params(&format!("{key}: {dollars} is no price")));
    }
    Ok(Some((dollars * DOLLAR as f64).round() as u64))
}
