//! One bar per stage while a job runs; a line per stage where nobody looks at a terminal.
use crate::render::{count, seconds};
use crate::ui::Ui;
use crate::visible::{visible, visible_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sera_protocol::job::Progress;
use sera_protocol::{Notification, Stage};
use std::time::Duration;

/// What a stage is called while it runs.
pub fn label(stage: Stage) -> &'static str {
    match stage {
        Stage::Base => "getting the base",
        Stage::Mine => "mining history",
        Stage::Synthesize => "making tasks",
        Stage::Rollout => "solving tasks",
        Stage::Generate => "teacher's work",
        Stage::Student => "student's attempts",
        Stage::Verify => "verifying",
        Stage::Import => "taking trajectories in",
        Stage::Select => "selecting",
        Stage::Prepare => "preparing examples",
        Stage::Train => "training",
        Stage::Evaluate => "evaluating",
        Stage::Promote => "deciding",
        Stage::Fix => "fixing",
        Stage::Fsck => "checking the store",
        Stage::Image => "building an image",
        Stage::Wait => "waiting for another job",
        Stage::Other => "working",
    }
}

/// The bars of one job.
#[derive(Debug)]
pub struct Bars<'a> {
    ui: &'a Ui,
    current: Option<(Stage, ProgressBar)>,
}

impl<'a> Bars<'a> {
    /// Shows nothing yet.
    pub fn new(ui: &'a Ui) -> Self {
        Self { ui, current: None }
    }

    /// Shows what the daemon told.
    pub fn watch(&mut self, notification: Notification) {
        match notification {
            Notification::Progress(progress) => self.advance(&progress),
            Notification::Step(step) => self.say(&visible(&step.text)),
        }
    }

    fn advance(&mut self, progress: &Progress) {
        if self.current.as_ref().is_none_or(|(stage, _)| *stage != progress.stage) {
            self.finish();
            self.begin(progress.stage);
        }
        if let Some((_, bar)) = &self.current {
            // An unknown total is a spinner's; a known one may come later in the same stage.
            if progress.total > 0 && bar.length() != Some(progress.total) {
                bar.set_length(progress.total);
                bar.set_style(style("{prefix:<20} {bar:24} {human_pos}/{human_len} {msg}"));
            }
            bar.set_position(progress.done);
            bar.set_message(match progress.message.as_str() {
                "" => progress.unit.clone(),
                message => format!("{} · {}", progress.unit, visible_line(message)),
            });
        }
    }

    fn begin(&mut self, stage: Stage) {
        let bar = if self.ui.draws_bars() {
            ProgressBar::no_length()
        } else {
            self.ui.status(label(stage));
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
        };
        bar.set_style(style("{prefix:<20} {spinner} {human_pos} {msg}"));
        bar.set_prefix(label(stage));
        if self.ui.draws_bars() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        self.current = Some((stage, bar));
    }

    /// Says a line without tearing the bar.
    fn say(&self, text: &str) {
        match &self.current {
            Some((_, bar)) => bar.suspend(|| self.ui.status(text)),
            None => self.ui.status(text),
        }
    }

    /// Takes the last bar away and says how far it came, in a line that scrolls like any other.
    pub fn finish(&mut self) {
        let Some((stage, bar)) = self.current.take() else { return };
        if !self.ui.draws_bars() {
            return;
        }
        bar.finish_and_clear();
        let of = bar.length().map_or(String::new(), |total| format!(" of {}", count(total)));
        let took = seconds(bar.elapsed().as_secs_f64());
        let (done, message) = (count(bar.position()), bar.message());
        self.ui.status(&format!("{:<20} {done}{of} {message} · {took}", label(stage)));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates above are valid")
        .progress_chars("━╸ ")
}
