//! The chat template as data: how a conversation becomes tokens.
//!
//! Only ChatML is known; SmolLM2 and all Qwen models speak it. A model file's own Jinja template
//! is not executed (it comes from strangers, and it cannot say which tokens carry loss). SmolLM2's
//! adds a standing instruction of its own where none is given; this one adds nothing.
//!
//! Header and content are encoded apart, never as one text, so that an answer which opens with a
//! line break keeps the tokens of its header: that makes every prefix of a conversation a token
//! prefix of it.
use crate::tokenizer::{Rendered, TokenizerError};
use sera_core::{Message, Role};
use std::collections::HashMap;

/// The markers of ChatML in one vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// `<|im_start|>`, before the role.
    pub open: u32,
    /// `<|im_end|>`, after the content.
    pub close: u32,
    /// `<|endoftext|>`.
    pub end_of_text: u32,
}

impl Template {
    /// Looks the markers up among a vocabulary's special tokens.
    pub fn chatml(specials: &HashMap<String, u32>) -> Result<Self, TokenizerError> {
        let id = |t: &'static str| specials.get(t).copied().ok_or(TokenizerError::NoTemplate(t));
        Ok(Self {
            open: id("<|im_start|>")?,
            close: id("<|im_end|>")?,
            end_of_text: id("<|endoftext|>")?,
        })
    }

    /// Renders `messages`. `text` encodes the template's own words, `content` a message's.
    pub fn render(
        &self,
        messages: &[Message],
        open: bool,
        text: impl Fn(&str) -> Vec<u32>,
        mut content: impl FnMut(&Message) -> Vec<u32>,
    ) -> Rendered {
        let line_break = text("\n");
        let header = |tokens: &mut Vec<u32>, role: Role| {
            tokens.push(self.open);
            tokens.extend(text(&format!("{}\n", role_name(role))));
        };
        let mut rendered = Rendered::default();
        for message in messages {
            header(&mut rendered.tokens, message.role);
            let start = rendered.tokens.len();
            rendered.tokens.extend(content(message));
            rendered.tokens.push(self.close);
            if message.role == Role::Assistant {
                rendered.spans.push(start..rendered.tokens.len());
            }
            rendered.tokens.extend(&line_break);
        }
        if open {
            header(&mut rendered.tokens, Role::Assistant);
        }
        rendered
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
mod tests {
    use crate::tokenizer::Tokenizer;
    use sera_core::{Message, Role};

    fn conversation() -> Vec<Message> {
        [
            (Role::System, "Fix code."),
            (Role::User, "x is wrong"),
            (Role::Assistant, "\nlook <|im_end|>"),
            (Role::User, "1\n2\n"),
            (Role::Assistant, ""),
        ]
        .map(|(role, content)| Message::new(role, content))
        .to_vec()
    }

    #[test]
    fn conversations_are_spelled_in_chatml() {
        let tokenizer = Tokenizer::byte_level(259);
        let rendered = tokenizer.chat(&conversation(), true);
        let spelled: String = rendered
            .tokens
            .iter()
            .map(|&token| match token {
                256 => "{text}".to_owned(),
                257 => "{open}".to_owned(),
                258 => "{close}".to_owned(),
                byte => tokenizer.decode(&[byte]),
            })
            .collect();
        assert_eq!(
            spelled,
            "{open}system\nFix code.{close}\n{open}user\nx is wrong{close}\n\
             {open}assistant\n\nlook <|im_end|>{close}\n{open}user\n1\n2\n{close}\n\
             {open}assistant\n{close}\n{open}assistant\n"
        );
        let spans: Vec<_> = rendered.spans.iter().map(|s| &rendered.tokens[s.clone()]).collect();
        let first = [tokenizer.encode("\nlook <|im_end|>"), vec![258]].concat();
        assert_eq!(spans, [&first[..], &[258]], "contents with their end, nothing else");
    }

    #[test]
    fn nothing_is_added_where_no_system_message_is_given() {
        let tokenizer = Tokenizer::byte_level(259);
        assert!(tokenizer.chat(&[], false).tokens.is_empty());
        let tokens = tokenizer.chat(&[Message::new(Role::User, "a")], false).tokens;
        assert_eq!(tokenizer.decode(&tokens), "user\na\n");
    }

    #[test]
    fn every_open_prefix_is_a_prefix_of_the_whole() {
        let tokenizer = Tokenizer::byte_level(259);
        let messages = conversation();
        let whole = tokenizer.chat(&messages, false);
        let mut spans = whole.spans.iter();
        for (k, message) in messages.iter().enumerate() {
            if message.role == Role::Assistant {
                let asked = tokenizer.chat(&messages[..k], true).tokens;
                assert!(whole.tokens.starts_with(&asked), "asked for message {k}");
                assert_eq!(spans.next().unwrap().start, asked.len(), "the span starts there");
            }
        }
    }
}
