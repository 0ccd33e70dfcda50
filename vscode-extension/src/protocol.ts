// Generated from crates/sera-protocol by `cargo xtask codegen`. Do not edit.

/** The protocol's version; both sides must share the major number. */
export const VERSION: Version = { major: 1, minor: 3 };

/** The longest line either side accepts, newline included, bytes. */
export const FRAME_LIMIT = 1048576;

/** Who calls. */
export interface HelloParams {
  /** The protocol the client speaks. */
  version: Version;
  /** The client's build, for people. */
  build: string;
  /** What the client is: `git-sera`, `vscode`. */
  client?: string | null;
}

/** A version of this protocol. */
export interface Version {
  /** Must be equal on both sides. */
  major: number;
  /** Grows when something is added. */
  minor: number;
}

/** Who answers. */
export interface HelloResult {
  /** The protocol the daemon speaks. */
  version: Version;
  /** The daemon's build, for people. */
  build: string;
  /** Its process. */
  pid: number;
}

/** Which repository to watch. */
export interface RegisterParams {
  /** Any folder of its work tree, absolute. */
  path: string;
}

/** What is watched. */
export interface RegisterResult {
  /** The work tree's root. */
  path: string;
  /** The repository's common git folder. */
  common_dir: string;
  /** False when it was watched before. */
  added: boolean;
}

/** Which repository to leave alone. */
export interface UnregisterParams {
  /** Any folder of its work tree, absolute. */
  path: string;
}

/** What was left alone. */
export interface UnregisterResult {
  /** False when it was not watched. */
  removed: boolean;
}

/** What to report on. */
export interface StatusParams {
  /** Any folder of one work tree, absolute; all repositories when absent. */
  path?: string | null;
}

/** What the daemon knows and does. */
export interface StatusReport {
  /** The daemon's build. */
  version: string;
  /** Its process. */
  pid: number;
  /** Seconds since it started. */
  uptime_s: number;
  /** Watched repositories. */
  repositories: RepositoryStatus[];
  /** The job that runs now. */
  job?: JobStatus | null;
  /** What holds computing still. Since 1.3. */
  schedule?: ScheduleStatus | null;
  /** Its resident memory, MiB. */
  rss_mb?: number | null;
}

/** One watched repository. */
export interface RepositoryStatus {
  /** The work tree's root. */
  path: string;
  /** The repository's common git folder. */
  common_dir: string;
  /** `idle`, or what is being done or is the matter, in a word. */
  state: string;
  /** What was mined. */
  seeds: SeedCounts;
  /** Tasks made. */
  tasks: number;
  /** Trajectories kept. */
  trajectories: number;
  /** Adapters trained, oldest first. */
  adapters: string[];
  /** What serves each capability: `base` or an adapter. */
  served: Partial<Record<Capability, string>>;
  /** Where it trains: `cpu`, `cuda:N`, `metal`, or `auto` among these. Since 1.1. */
  device?: string | null;
  /** The last thing noticed, in words. */
  last_event?: string | null;
  /** The head that was mined last. */
  mined_head?: string | null;
  /** Whether an adapter is due, or why none is trained though it is. Since 1.3. */
  training?: string | null;
}

/** Seeds of a repository. */
export interface SeedCounts {
  /** Functions that may be trained on. */
  functions: number;
  /** Commits that may be trained on. */
  commits: number;
  /** Functions and commits kept out of training. */
  held_out: number;
}

/** What an adapter may win, one by one. */
export type Capability = "complete" | "locate" | "fix";

/** The job that runs now. */
export interface JobStatus {
  /** The job. */
  id: string;
  /** Its kind. */
  kind: string;
  /** What it is doing. */
  stage: Stage;
  /** How much of `total` is done. */
  done: number;
  /** 0 while unknown. */
  total: number;
  /** One short phrase, may be empty. */
  message: string;
  /** The work tree it works for. */
  path?: string | null;
}

/** What a job is doing, for progress bars; a job passes through several. */
export type Stage =
  /** Getting and checking the base's weights. */
  | "base"
  /** Reading history. */
  | "mine"
  /** Making tasks. */
  | "synthesize"
  /** Solving tasks. */
  | "rollout"
  /** The teacher's work on functions. */
  | "generate"
  /** The student's own attempts. */
  | "student"
  /** Judging trajectories. */
  | "verify"
  /** Taking in what was made elsewhere. */
  | "import"
  /** Choosing what to train on. */
  | "select"
  /** Making training examples. */
  | "prepare"
  /** Training. */
  | "train"
  /** Scoring. */
  | "evaluate"
  /** Deciding. */
  | "promote"
  /** Fixing. */
  | "fix"
  /** Checking the store. */
  | "fsck"
  /** Building an image. */
  | "image"
  /** Waiting for another job to end. */
  | "wait"
  /** Something that only a newer daemon knows. */
  | "other";

/** What holds computing still. */
export interface ScheduleStatus {
  /** The user paused it. */
  paused: boolean;
  /** Why what nobody asked for waits, as it was found last; absent when nothing is in the way. */
  waits?: string | null;
  /** Until when, Unix milliseconds, where that is known. */
  until_ms?: number | null;
  /** Seconds that were computed today though nobody asked for it. */
  today_s: number;
}

/** What to do where. */
export interface RunParams {
  /** Any folder of the work tree, absolute; an unwatched repository is registered. */
  path: string;
  /** What to do. */
  job: Job;
}

/** A unit of work on one repository. Stages that others need run first where they are missing. */
export type Job =
  /** Finds the functions and commits that tasks may be made from. */
  | {
      kind: "mine";
      /** Report every candidate that was dropped, with its reason. */
      explain: boolean;
    }
  /** Makes tasks from the seeds. */
  | {
      kind: "synthesize";
      /** At most this many tasks; all when absent. */
      limit?: number | null;
    }
  /** Has tasks solved. */
  | {
      kind: "rollout";
      /** At most this many tasks; all when absent. */
      limit?: number | null;
      /** Let the student try too, on a few training tasks. */
      student: boolean;
      /**
       * Have the served student make so many attempts at each of some training tasks, and
       * keep what holds to be trained on.
       */
      attempts?: number | null;
    }
  /** Has the configured teacher work on functions: soft verified generation. */
  | {
      kind: "generate";
      /** At most this many functions; the usual number when absent. */
      limit?: number | null;
      /** The user agrees that code of this repository is sent to the teacher. */
      consent: boolean;
      /** Only say what would be sent first. */
      dry_run: boolean;
      /** Ask again where the teacher refused in an earlier run. Earlier clients never do. */
      retry?: boolean | null;
    }
  /** Judges the trajectories again and selects those to train on. */
  | { kind: "verify" }
  /** Trains an adapter on the selected trajectories. */
  | {
      kind: "train";
      /** Stop after this many seconds. */
      seconds?: number | null;
      /** Stop after this many tokens. */
      tokens?: number | null;
      /** Seed of initial weights and order. */
      seed: number;
    }
  /** Scores the newest adapter on held-out work. */
  | {
      kind: "evaluate";
      /** Spend about this many seconds. */
      seconds?: number | null;
    }
  /** Decides, capability by capability, whether an adapter serves. */
  | {
      kind: "promote";
      /** Which: its id or how that ends; the newest when absent. Since 1.3. */
      adapter?: string | null;
      /** Have it serve whatever the numbers say. Since 1.3. */
      force?: boolean | null;
      /** What it is forced to serve; everything when absent. Since 1.3. */
      capabilities?: Capability[] | null;
    }
  /** Lists the adapters that are kept, newest first. Since 1.3. */
  | { kind: "adapters" }
  /** Has what served before the newest promotion serve again. Since 1.3. */
  | {
      kind: "rollback";
      /** For this capability; for all when absent. */
      capability?: Capability | null;
    }
  /**
   * Trains, evaluates and decides, as far as that is not done: what follows when an adapter
   * was withdrawn.
   */
  | { kind: "retrain" }
  /** Every stage in order, then one fix of a held-out task. */
  | {
      kind: "quickstart";
      /** Seconds of training. */
      train_seconds: number;
      /** Seconds of evaluation. */
      evaluate_seconds: number;
      /** Where to take the base from; the preset's own source when absent. */
      base?: string | null;
      /** Training tasks that the student tries itself; the usual number when absent. */
      student_tasks?: number | null;
    }
  /** Proposes a change that does what the description asks. Writes no file. */
  | {
      kind: "fix";
      /** What is wrong, or the output of a failing test. */
      description: string;
      /** Only propose changes to these files or folders; anywhere when empty. */
      paths: string[];
      /** Unsaved editor contents by path, laid over the work tree. */
      buffers?: Partial<Record<string, string>> | null;
      /** How many proposals to return, best first. */
      proposals: number;
    }
  /** Chooses what is trained on again, from what is stored, and says what that is. */
  | {
      kind: "select";
      /** Accept this weighted recall and above; as before when absent. */
      min_recall?: number | null;
      /** Take candidates of at most this many changed lines; as before when absent. */
      max_patch?: number | null;
      /** Most that each source may make of the whole, from 0 to 1; as before when absent. */
      mix?: Partial<Record<string, number>> | null;
      /** Begin with the usual choice instead of the last one. */
      reset: boolean;
    }
  /** Writes what is trained on out for other trainers. */
  | {
      kind: "export";
      /** In what form. */
      format: ExportFormat;
    }
  /** Takes trajectories in that were made elsewhere. */
  | {
      kind: "import";
      /** A file of rows, or one of SWE-agent's trajectories; an absolute path. */
      file: string;
      /** The commit that was worked on; what each row says when absent. */
      base?: string | null;
    }
  /** Says why something is trained on, or why it is not. */
  | {
      kind: "why";
      /** A trajectory's id or how it ends, a commit, a path, or `path::function`. */
      what: string;
    }
  /** Removes something from all that is stored, and everything that was made of it. */
  | {
      kind: "forget";
      /** A trajectory's id or how it ends, a commit, a path, or `path::function`. */
      what: string;
      /** Only say what would be removed. */
      dry_run: boolean;
    }
  /** Lists stored trajectories, newest first. */
  | {
      kind: "log";
      /** At most this many; all when absent. */
      limit?: number | null;
    }
  /** Shows one stored trajectory. */
  | {
      kind: "show";
      /** Its id, or how that ends. */
      id: string;
    }
  /** Checks the audit log and lists what it holds, newest first. */
  | {
      kind: "audit";
      /** At most this many; all when absent. */
      limit?: number | null;
      /** Only events of these kinds; all when absent. */
      kinds?: string[] | null;
      /** Where the log is damaged, move it aside and begin a new one. */
      restart?: boolean | null;
      /** The user's own log instead of the repository's: what is of no repository. Since 1.2. */
      user?: boolean | null;
    }
  /** Lists what the user agreed to for the repository, or takes all of it back. Since 1.2. */
  | {
      kind: "consent";
      /** Take it back. */
      withdraw: boolean;
    }
  /** Tells one cycle whole, and writes it as a page. Since 1.3. */
  | {
      kind: "report";
      /** The adapter's id, or how that ends; the newest when absent. */
      adapter?: string | null;
    }
  /** Checks what is stored and rebuilds the index. */
  | { kind: "fsck" }
  /** Looks at what is enforced on this machine. */
  | { kind: "doctor" }
  /** Builds the image that commands run in, or shows its recipe. */
  | {
      kind: "build-image";
      /** Whose recipe. */
      from: ImageSource;
      /** The recipe that the user saw and agreed to; only shown when absent. */
      agreed?: string | null;
      /** The user agrees that code of this repository is sent to another machine's engine. */
      consent: boolean;
    };

/** A form that other trainers read. */
export type ExportFormat =
  /** Conversations with calls of tools, `weight` of each message of the model 0 or 1. */
  | "openai"
  /** What this trainer itself learns from, message by message; `train` says which. */
  | "axolotl"
  /** Conversations with calls of tools as text, as SERA publishes them. */
  | "hermes"
  /** SWE-agent's trajectory files. */
  | "swe-agent"
  /** Agent Trajectory Interchange Format. */
  | "atif";

/** Whose recipe an image is built by. */
export type ImageSource =
  /** Sera's own: a small image of Debian's packages. */
  | "default"
  /** The repository's development container or Dockerfile. */
  | "repository";

/** What came out. */
export interface RunResult {
  /** The job. */
  job: string;
  /** What it reports. */
  result: JobResult;
}

/** What came out of a job, by its kind. */
export type JobResult =
  /** Of `mine`. */
  | ({ kind: "mine" } & MineReport)
  /** Of `synthesize`. */
  | ({ kind: "synthesize" } & SynthesizeReport)
  /** Of `rollout`. */
  | ({ kind: "rollout" } & RolloutReport)
  /** Of `generate`. */
  | ({ kind: "generate" } & GenerateReport)
  /** Of `verify`. */
  | ({ kind: "verify" } & VerifyReport)
  /** Of `train`. */
  | ({ kind: "train" } & TrainReport)
  /** Of `evaluate`. */
  | ({ kind: "evaluate" } & ScorecardReport)
  /** Of `promote`. */
  | ({ kind: "promote" } & PromoteReport)
  /** Of `quickstart`. */
  | ({ kind: "quickstart" } & QuickstartReport)
  /** Of `fix`. */
  | ({ kind: "fix" } & FixReport)
  /** Of `select`. */
  | ({ kind: "select" } & SelectReport)
  /** Of `export`. */
  | ({ kind: "export" } & ExportReport)
  /** Of `import`. */
  | ({ kind: "import" } & ImportReport)
  /** Of `why`. */
  | ({ kind: "why" } & WhyReport)
  /** Of `forget`. */
  | ({ kind: "forget" } & ForgetReport)
  /** Of `adapters`. */
  | ({ kind: "adapters" } & AdaptersReport)
  /** Of `rollback`. */
  | ({ kind: "rollback" } & RollbackReport)
  /** Of `log`. */
  | ({ kind: "log" } & LogReport)
  /** Of `show`. */
  | ({ kind: "show" } & ShowReport)
  /** Of `audit`. */
  | ({ kind: "audit" } & AuditReport)
  /** Of `consent`. */
  | ({ kind: "consent" } & ConsentReport)
  /** Of `report`. */
  | ({ kind: "report" } & CycleReport)
  /** Of `fsck`. */
  | ({ kind: "fsck" } & FsckReport)
  /** Of `doctor`. */
  | ({ kind: "doctor" } & DoctorReport)
  /** Of `build-image`. */
  | ({ kind: "build-image" } & ImageReport);

/** What mining found. */
export interface MineReport {
  /** Functions that may be trained on. */
  functions: number;
  /** Commits that may be trained on. */
  commits: number;
  /** Functions kept out of training. */
  held_out_functions: number;
  /** Commits kept out of training. */
  held_out_commits: number;
  /** The last commit that may be trained on. */
  cut: string;
  /** How many candidates were left out, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Each candidate that was left out, where asked for; as many as fit one message. */
  explained: Explained[];
  /** Candidates left out that `explained` had no room for. */
  unexplained?: number | null;
  /** Blobs read this time; only changed ones are. */
  blobs_read: number;
  /** Wall time. */
  seconds: number;
}

/** Why one candidate was left out. */
export interface Explained {
  /** `path::function` or a commit. */
  what: string;
  /** The reason's code. */
  reason: string;
}

/** What synthesis made. */
export interface SynthesizeReport {
  /** Tasks made, held-out ones included. */
  tasks: number;
  /** How many of them are held out. */
  held_out?: number | null;
  /** Tasks by operator; commit tasks stand under `commit`. */
  by_operator: Partial<Record<string, number>>;
  /** Tasks by family. */
  by_family: Partial<Record<string, number>>;
  /**
   * Conversations made from the code and the history alone, by what they teach; earlier
   * daemons make none.
   */
  lessons?: Partial<Record<string, number>> | null;
  /** How many were not made, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Wall time. */
  seconds: number;
}

/** What rollouts left. */
export interface RolloutReport {
  /** Trajectories kept. */
  kept: number;
  /** How many attempts were left out, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Attempts executed per second. */
  per_second: number;
  /** The student's own attempts. */
  student?: StudentReport | null;
  /** The configured teacher's work. */
  teacher?: GenerateReport | null;
  /** Wall time. */
  seconds: number;
}

/** Soft verification of the student's own rollouts. */
export interface StudentReport {
  /** How many were accepted. */
  accepted: number;
  /** How many were rejected, by reason. */
  rejected: Partial<Record<string, number>>;
}

/** What a teacher's work on functions left. */
export interface GenerateReport {
  /** The teacher's name. */
  teacher: string;
  /** Functions gone through. */
  functions: number;
  /** How many of them have a second rollout that was accepted. */
  accepted: number;
  /** How many have none, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Mean recall of second rollouts. */
  recall?: number | null;
  /** Tokens read and written, paid for in this run. */
  tokens: number;
  /** Millionths of a dollar, paid in this run. */
  microdollars: number;
  /** Why it ended before all functions were gone through. */
  ended?: string | null;
  /** The first request, where only that was wanted. */
  request?: string | null;
  /** Wall time. */
  seconds: number;
}

/** What soft verification and selection decided. */
export interface VerifyReport {
  /** Trajectories accepted. */
  accepted: number;
  /** How many were rejected, by reason. */
  rejected: Partial<Record<string, number>>;
  /** How many of the accepted are selected for training. */
  selected: number;
  /** How many of the accepted were not selected, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Mean recall over all judged trajectories. */
  recall?: number | null;
  /** Wall time. */
  seconds: number;
}

/** What training did. */
export interface TrainReport {
  /** Examples trained on. */
  examples: number;
  /** Tokens read. */
  tokens: number;
  /** Tokens that carried loss. */
  target_tokens: number;
  /** Tokens read per second. */
  tokens_per_s: number;
  /** Peak resident memory of the worker, MiB. */
  peak_rss_mb: number;
  /** Mean loss per target token, nats, one value a step. */
  loss: number[];
  /** The adapter made. */
  adapter?: string | null;
  /** What was decided on the way, such as how the size was fitted to the speed. */
  notes?: string[] | null;
  /** Wall time. */
  seconds: number;
}

/** What an evaluation found. */
export interface ScorecardReport {
  /** Held-out holes. */
  complete: CompleteArms;
  /** Held-out tasks made by operators. */
  fix: FixArms;
  /** Held-out tasks made from commits, apart. */
  commits?: FixArms | null;
  /** Nats per token on the fixed general set, by arm. */
  general?: Partial<Record<string, number>> | null;
  /** The adapter that was scored. */
  adapter?: string | null;
  /** What was decided on the way, such as how the size was fitted to the speed. */
  notes?: string[] | null;
  /** Wall time. */
  seconds: number;
}

/** Completion by arm. */
export interface CompleteArms {
  /** The base. */
  base: CompleteSummary;
  /** The base with similar solved tasks in the prompt. */
  retrieval: CompleteSummary;
  /** The adapter. */
  adapter: CompleteSummary;
}

/** Held-out holes under one arm. */
export interface CompleteSummary {
  /** Holes scored. */
  n: number;
  /** Nats per token of the holes. */
  nll?: number | null;
  /** Share of greedy continuations equal to the hole. */
  exact?: number | null;
}

/** Fixing by arm. */
export interface FixArms {
  /** The base in the guided harness. */
  base: FixSummary;
  /** The base with similar solved tasks in the prompt. */
  retrieval: FixSummary;
  /** The adapter given another task's text. */
  shuffled: FixSummary;
  /** The adapter. */
  adapter: FixSummary;
  /** The configured teacher in its own harness, where it was asked. */
  teacher?: FixSummary | null;
}

/** Held-out tasks under one arm; what was not measured within the budget is null. */
export interface FixSummary {
  /** Tasks scored. */
  n: number;
  /** Nats per changed token of the reference edit. */
  nll?: number | null;
  /** Share of freely written actions that could be executed. */
  valid?: number | null;
  /** Share of tasks whose place is ranked first. */
  locate1?: number | null;
  /** Share of tasks whose place is among the first five. */
  locate5?: number | null;
  /** Mean recall of greedy rollouts. */
  recall?: number | null;
  /** Share of greedy rollouts that equal the reference. */
  exact?: number | null;
  /** Share of tasks whose reference edit is ranked first among all candidates. */
  rank1?: number | null;
  /** Share of tasks whose reference edit is among the first five. */
  rank5?: number | null;
  /** Mean number of candidates ranked. */
  candidates?: number | null;
}

/** What was decided about an adapter. */
export interface PromoteReport {
  /** Capabilities the adapter serves from now on. */
  promoted: Capability[];
  /** Why, for each capability. */
  reasons: Partial<Record<Capability, string>>;
  /** The adapter decided on. */
  adapter?: string | null;
}

/** A whole quickstart. */
export interface QuickstartReport {
  /** The repository's work tree. */
  repo: string;
  /** What mining found. */
  mined: QuickstartMined;
  /** Tasks made. */
  tasks: number;
  /** What rollouts left. */
  trajectories: QuickstartTrajectories;
  /** What training did. */
  train: TrainReport;
  /** What evaluation found. */
  scorecard: ScorecardReport;
  /** Capabilities the adapter serves from now on. */
  promoted: Capability[];
  /** Why, for each capability. */
  reasons: Partial<Record<Capability, string>>;
  /** One held-out task; null when there is none. */
  fix?: QuickstartFix | null;
  /** Wall time. */
  seconds: number;
}

/** The mined part of a quickstart. */
export interface QuickstartMined {
  /** Functions that may be trained on. */
  functions: number;
  /** Commits that may be trained on. */
  commits: number;
  /** How many candidates were left out, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Functions and commits kept out of training. */
  held_out?: number | null;
}

/** The trajectories of a quickstart. */
export interface QuickstartTrajectories {
  /** Selected for training. */
  kept: number;
  /** How many were left out, by reason. */
  dropped: Partial<Record<string, number>>;
  /** The student's own attempts. */
  student?: StudentReport | null;
  /** Attempts executed per second. */
  per_second?: number | null;
}

/** The fix that ends a quickstart. */
export interface QuickstartFix {
  /** The held-out task. */
  task: string;
  /** What the fixer was told. */
  description?: string | null;
  /** What it proposed; null when nothing. */
  patch?: string | null;
  /** Share of the reference's changed lines it found; null when not comparable. */
  recall?: number | null;
  /** The change that was looked for. */
  reference?: string | null;
}

/** What a fix found. */
export interface FixReport {
  /** The task, where one of the repository's own was worked on. */
  task?: string | null;
  /** What was asked for. */
  description: string;
  /** Best first. */
  proposals: Proposal[];
  /** What was done, one line each. */
  steps: string[];
  /** The best proposal; null when there is none. */
  patch?: string | null;
  /** What ranked them: `base` or an adapter. */
  served?: string | null;
  /** Wall time. */
  seconds: number;
}

/** One proposed change. */
export interface Proposal {
  /** The change to the work tree as it was read. */
  patch: string;
  /**
   * What it was ranked by: nats of likelihood gained, and what the task's words say, weighed
   * against them. Higher is better; only differences within one answer mean something.
   */
  nats: number;
  /** Where it came from. */
  source: ProposalSource;
  /** The file. */
  path: string;
  /** The function. */
  name?: string | null;
}

/** Where a proposed edit came from. */
export type ProposalSource =
  /** One of the operators' single edits. */
  | "enumerated"
  /** The model wrote it. */
  | "written";

/** What is trained on. */
export interface SelectReport {
  /** Weighted recall that is accepted. */
  min_recall: number;
  /** Changed lines that a candidate may have. */
  max_patch: number;
  /** Most that each source may make of the whole. */
  mix: Partial<Record<string, number>>;
  /** How many trajectories are chosen, by source. */
  chosen: Partial<Record<string, number>>;
  /** How many are not, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Tokens of the chosen. */
  tokens: number;
  /** Of these, tokens with loss. */
  target_tokens: number;
  /** Wall seconds. */
  seconds: number;
}

/** Files for other trainers. */
export interface ExportReport {
  /** The folder that they lie in; whoever asked takes them from there. */
  folder: string;
  /** How many files. */
  files: number;
  /** How many trajectories they hold. */
  trajectories: number;
  /** Wall seconds. */
  seconds: number;
}

/** What was taken in. */
export interface ImportReport {
  /** Rows that the file has. */
  rows: number;
  /** Rows whose work is stored now. */
  taken: number;
  /** Of these, how many soft verification accepts. */
  accepted: number;
  /** How many were not taken, by reason. */
  dropped: Partial<Record<string, number>>;
  /** Wall seconds. */
  seconds: number;
}

/** Why something is trained on, or why it is not. */
export interface WhyReport {
  /** What was asked about: `commit 1f2e3d4c5b`, `src/a.py`. */
  about: string;
  /** All that is known of it, from seeds to what was learnt. */
  known: Because[];
  /** How many more there are than fit. */
  unsaid: number;
}

/** What became of one thing. */
export interface Because {
  /** The thing: a function, a trajectory, completion examples. */
  what: string;
  /** Whether it is trained on. */
  trained_on: boolean;
  /** Why, or why not. */
  because: string;
}

/** What was removed. */
export interface ForgetReport {
  /** What was to be forgotten. */
  about: string;
  /** Functions and commits that tasks were made from. */
  seeds: number;
  /** Tasks. */
  tasks: number;
  /** Trajectories. */
  trajectories: number;
  /** Completion examples. */
  holes: number;
  /** Conversations made from the code and the history alone; earlier daemons make none. */
  lessons?: number | null;
  /** Adapters that had learnt from it. */
  adapters: string[];
  /** What serves each capability now: an adapter's id or `base`. Only what changed. */
  served: Partial<Record<Capability, string>>;
  /** An adapter is trained anew, now or as soon as nothing else computes. */
  retraining: boolean;
  /** Wall seconds. */
  seconds: number;
}

/** The adapters that are kept. */
export interface AdaptersReport {
  /** Newest first. */
  adapters: AdapterEntry[];
  /** How many are kept besides those that serve. */
  kept: number;
}

/** One adapter, what it was made of, and what it serves. */
export interface AdapterEntry {
  /** Its id. */
  adapter: string;
  /** When it was trained, Unix milliseconds. */
  trained_ms: number;
  /** The base that it belongs to. */
  base: string;
  /** The last commit that it may have learnt from. */
  cut: string;
  /** The cut of the adapter before: commits since are new to this one. */
  since?: string | null;
  /** BLAKE3 of the dataset and settings that made it. */
  made_from: string;
  /** Seed of its initial weights and of the order of examples. */
  seed?: number | null;
  /**
   * Commits between its cut and what is checked out: how stale it is. None where the cut is
   * not in that history.
   */
  behind?: number | null;
  /** Examples that it was trained on. */
  examples: number;
  /** Tokens that it was trained on. */
  tokens: number;
  /** Whether it was evaluated. */
  scored: boolean;
  /** What it serves now. */
  serves: Capability[];
  /** What it served at some time, and can serve again. */
  promoted: Capability[];
  /** Of these, what the user had it serve whatever the numbers said. */
  forced: Capability[];
}

/** What serves again. */
export interface RollbackReport {
  /** By capability. */
  changed: Serves[];
}

/** What an adapter served, and what serves now. */
export interface Serves {
  /** The capability. */
  capability: Capability;
  /** The adapter that serves it no more. */
  adapter: string;
  /** What does: an adapter or `base`. */
  serves: string;
}

/** Stored trajectories. */
export interface LogReport {
  /** Newest first. */
  trajectories: Logged[];
  /** How many are stored. */
  stored: number;
}

/** A stored trajectory in one line. */
export interface Logged {
  /** The trajectory. */
  id: string;
  /** Who did it: `procedural`, a student, a server's model. */
  teacher: string;
  /** What the task was made of: `identifier-swap src/a.py::f`, a commit. */
  of: string;
  /** What the solver was told. */
  description: string;
  /** How many steps it took. */
  steps: number;
  /** Share of the reference's changed lines that it reproduced. */
  recall: number;
  /** Why soft verification rejected it, if it did. */
  rejected?: string | null;
  /** Never trained on. */
  held_out: boolean;
}

/** One stored trajectory whole. */
export interface ShowReport {
  /** What `log` says of it. */
  logged: Logged;
  /** The commit whose tree was worked on. */
  base: string;
  /** The family of change that was asked for. */
  family: string;
  /** Every step. */
  steps: Shown[];
  /** How it ended: `submitted`, `limit-reached: steps`, `failed: model-failed`. */
  outcome: string;
  /** What it changed. */
  candidate: string;
  /** What it should have changed. */
  reference: string;
  /** Tokens read and written. */
  tokens: number;
  /** Millionths of a dollar that it cost. */
  microdollars: number;
}

/** One step. */
export interface Shown {
  /** What was thought before the action. */
  thought?: string | null;
  /** The action, as guided students write it. */
  action: string;
  /** What came back. */
  observation: string;
  /** False where the action failed. */
  ok: boolean;
  /** Not trained on. */
  masked: boolean;
}

/** What was sent, ran and changed. */
export interface AuditReport {
  /** Newest first. */
  entries: AuditEntry[];
  /** How many records hold together from the beginning. */
  records: number;
  /**
   * Where the log is not what was written, and how that shows. What stands behind that is
   * not listed.
   */
  broken?: string | null;
  /** Where a damaged log was moved to. */
  kept?: string | null;
}

/** One record of the audit log. */
export interface AuditEntry {
  /** Its number, from 1. */
  number: number;
  /** Unix milliseconds. */
  time_ms: number;
  /** What kind of event: `sent`, `consent`. */
  kind: string;
  /** The event in a line. */
  text: string;
  /** The event itself. */
  event: unknown;
}

/** What the user agreed to for a repository. */
export interface ConsentReport {
  /** In the words of the audit log: `send code to https://x/v1`. */
  agreed: string[];
  /** All of it was taken back. */
  withdrawn: boolean;
}

/** One training cycle, told by the adapter that came of it. */
export interface CycleReport {
  /** The adapter. */
  adapter: string;
  /** When it was made, Unix milliseconds. */
  made_ms: number;
  /** The work tree. */
  repository: string;
  /** The base that it belongs to. */
  base: string;
  /** The last commit that was trained on. */
  cut: string;
  /** What is decided about every capability and why, in one sentence. */
  verdict: string;
  /** The same, capability by capability; empty before the adapter is evaluated. */
  decisions: Decided[];
  /** What training did; of its losses the means of at most 200 runs of steps. */
  train: TrainReport;
  /** Those losses at the steps that they are of. */
  curve: LossPoint[];
  /** How many steps there were. */
  steps: number;
  /** Every arm that was scored, by capability. */
  arms: ArmReport[];
  /** Nats per token on the fixed general set, by arm. */
  general: Partial<Record<string, number>>;
  /** Held-out items with the largest gain and loss against retrieval, by capability. */
  compared: Compared[];
  /** What was trained on, and what was left out. */
  data: CycleData;
  /** What it took. */
  cost: CycleCost;
  /** How far the repository has moved on. */
  staleness: Staleness;
  /** What the next cycle would begin with. */
  next: NextCycle;
  /** What was decided on the way of the evaluation. */
  notes: string[];
  /** The page, a file of HTML. */
  path: string;
}

/** What is decided about one capability. */
export interface Decided {
  /** Which. */
  capability: Capability;
  /** Whether the adapter was, or would be, promoted. */
  promoted: boolean;
  /** It was decided so; else this is what the rule says now. */
  stored: boolean;
  /** What serves the capability now: an adapter's id or `base`. */
  serves: string;
  /** Why. */
  reason: string;
  /** Held-out items behind it. */
  items: number;
}

/** Loss at a step. */
export interface LossPoint {
  /** The last step of those that this is the mean of, from 1. */
  step: number;
  /** Nats per target token. */
  loss: number;
}

/** One arm on the held-out items of one capability; what was not measured is null. */
export interface ArmReport {
  /** Which capability. */
  capability: Capability;
  /** The arm's name: `base`, `retrieval`, `adapter`. */
  arm: string;
  /** Items that were scored. */
  items: number;
  /**
   * The capability's primary metric, lower is better: nats per token of *complete*, nats per
   * changed token of *fix*, 1 − 1/rank of the right place of *locate*.
   */
  level?: number | null;
  /** The same less retrieval's, item by item: a paired bootstrap over files and commits. */
  against?: Spread | null;
  /** Share of items done exactly right. */
  exact?: number | null;
  /** Share of freely written actions that could be executed. */
  valid?: number | null;
  /** Mean recall of greedy rollouts. */
  recall?: number | null;
  /** Share of tasks whose place is ranked first. */
  first?: number | null;
  /** Share of tasks whose place is among the first five. */
  among_five?: number | null;
}

/** A mean with its 95 % interval. */
export interface Spread {
  /** The mean. */
  mean: number;
  /** Its lower end. */
  low: number;
  /** Its upper end. */
  high: number;
}

/** One held-out item under the adapter and under retrieval. */
export interface Compared {
  /** Of which capability. */
  capability: Capability;
  /** What it is: `src/a.py::mean`, `identifier-swap src/a.py::f`, a commit. */
  item: string;
  /** The primary metric under the adapter. */
  adapter: number;
  /** The same under retrieval. */
  retrieval: number;
  /** What the arms were told, or what stands before the hole; null once it is stored no more. */
  told?: string | null;
  /** What was looked for: the code in the hole, or the reference patch. */
  wanted?: string | null;
  /** The patch that the adapter proposed, where it was asked for one. */
  proposed?: string | null;
  /** The patch that retrieval proposed. */
  instead?: string | null;
}

/**
 * What an adapter was trained on, and what was left out on the way; null where that is not, or
 * no longer, stored.
 */
export interface CycleData {
  /** Examples by what they teach. */
  capabilities?: Partial<Record<string, number>> | null;
  /** Trajectories by source. */
  sources?: Partial<Record<string, number>> | null;
  /** Trajectories by family of change. */
  families?: Partial<Record<string, number>> | null;
  /** Trajectories by operator, where one planted the fault. */
  operators?: Partial<Record<string, number>> | null;
  /** Trajectories that were not chosen, by reason. */
  unchosen: Partial<Record<string, number>>;
  /** Tasks that gave no trajectory, by reason. */
  unsolved?: Partial<Record<string, number>> | null;
  /** Seeds that gave no task, by reason. */
  unmade?: Partial<Record<string, number>> | null;
  /** What mining left out, by reason. */
  unmined?: Partial<Record<string, number>> | null;
  /** Tasks and completion examples that are held out. */
  held_out?: number | null;
}

/** What a cycle took. */
export interface CycleCost {
  /** Wall seconds of training, siblings included. */
  train_seconds: number;
  /** Wall seconds of evaluation. */
  evaluate_seconds?: number | null;
  /** Functions that a teacher worked on, in this cycle and before it. */
  teacher_functions: number;
  /** Tokens that it read and wrote. */
  teacher_tokens: number;
  /** Millionths of a dollar that it cost. */
  teacher_microdollars: number;
}

/** How far a repository has moved on since an adapter was trained. */
export interface Staleness {
  /** Commits of HEAD that lie after the cut; null where HEAD does not hold the cut any more. */
  commits?: number | null;
  /** HEAD. */
  head: string;
  /** How many adapters the held-out set of this cut has decided about. */
  decisions: number;
  /** After so many it is spent. */
  most: number;
}

/** What the next cycle would begin with. */
export interface NextCycle {
  /** The cut it would be trained at; null where nothing is mined. */
  cut?: string | null;
  /** Commits that may be trained on and lie after this adapter's cut. */
  commits: number;
  /** Functions that may be trained on, in files that changed since then. */
  functions: number;
  /** An adapter was withdrawn, and one is trained in its place. */
  retraining: boolean;
  /** All of that in words. */
  sentence: string;
}

/** What a check of the store found. */
export interface FsckReport {
  /** Facts read from the journal. */
  facts: number;
  /** Objects whose digest was checked. */
  objects: number;
  /** Entries of the rebuilt index. */
  indexed: number;
  /** What is damaged or missing, one line each. */
  damaged: string[];
  /** What was put right, one line each. */
  repaired: string[];
  /** Wall time. */
  seconds: number;
}

/** What is enforced here. */
export interface DoctorReport {
  /** Each kind of environment. */
  environments: EnvironmentReport[];
  /** Wall seconds. */
  seconds: number;
}

/** One kind of environment on this machine. */
export interface EnvironmentReport {
  /** `overlay` or `container`. */
  kind: string;
  /** There can be one. */
  usable: boolean;
  /** The settings demand it. */
  demanded: boolean;
  /** Actions in it can start processes. */
  processes: boolean;
  /** Actions in it can read or write files of the machine. */
  files: boolean;
  /** Actions in it can reach a network. */
  network: boolean;
  /** Recognised secrets are replaced before anything is shown. */
  redacted: boolean;
  /** Layers of the system that were found in force, from inside. */
  layers: string[];
  /** Limits that the engine says it cannot enforce. */
  lacking: string[];
  /** Why there can be none. */
  why_not?: string | null;
  /** The engine's address. */
  engine?: string | null;
  /** The engine's version. */
  version?: string | null;
  /** Whoever may use the engine's socket is root on this machine by that. */
  root_equivalent?: boolean | null;
}

/** An image, or what one would be built from. */
export interface ImageReport {
  /** The recipe, for people to read. */
  text: string;
  /** Names the recipe: agreed to, it is built. */
  recipe: string;
  /** The image's id; none where nothing was built. */
  id?: string | null;
  /** Wall seconds. */
  seconds: number;
}

/** Which job to end. */
export interface CancelParams {
  /** The job; the one this connection runs when absent. */
  job?: string | null;
}

/** What was ended. */
export interface CancelResult {
  /** False when there was nothing to cancel. */
  cancelled: boolean;
}

/** See `daemon/pause`. */
export interface PauseParams {
  /** For so long; until `daemon/resume` when absent. */
  seconds?: number | null;
}

/** That it is paused. */
export interface PauseResult {
  /** Until when, Unix milliseconds. */
  until_ms?: number | null;
}

/** See `daemon/resume`. */
export interface ResumeParams {}

/** That it is not paused. */
export interface ResumeResult {
  /** Whether it was. */
  was_paused: boolean;
}

/** Nothing to say. */
export interface StopParams {}

/** What is being ended. */
export interface StopResult {
  /** The process that ends. */
  pid: number;
}

/** Every call by name. */
export interface Methods {
  /** Must be the first call; refused with `version-mismatch` where the majors differ. */
  hello: { params: HelloParams; result: HelloResult };
  /** Watches a repository from now on. */
  "repository/register": { params: RegisterParams; result: RegisterResult };
  /** Stops watching; what was learned stays. */
  "repository/unregister": { params: UnregisterParams; result: UnregisterResult };
  /** What the daemon knows and does. */
  status: { params: StatusParams; result: StatusReport };
  /** Runs a job and answers when it has ended; notifications come meanwhile. */
  "job/run": { params: RunParams; result: RunResult };
  /** Asks for a job's early end; the job's own call then answers `cancelled`. */
  "job/cancel": { params: CancelParams; result: CancelResult };
  /** Holds all that takes minutes still, mid-training too. Since 1.3. */
  "daemon/pause": { params: PauseParams; result: PauseResult };
  /** Has it go on, and tries again what was set aside. Since 1.3. */
  "daemon/resume": { params: ResumeParams; result: ResumeResult };
  /** Ends the daemon once its jobs have saved their state. */
  "daemon/stop": { params: StopParams; result: StopResult };
}

/** How far a job is. */
export interface Progress {
  /** The job. */
  job: string;
  /** What it is doing. */
  stage: Stage;
  /** How much of `total` is done. */
  done: number;
  /** 0 while unknown. */
  total: number;
  /** What is counted: `tasks`, `tokens`, `bytes`. */
  unit: string;
  /** One short phrase, may be empty. */
  message: string;
}

/** One thing the job did, in words, as it happens. */
export interface StepNote {
  /** The job. */
  job: string;
  /** One line. */
  text: string;
}

/** Every notification by name. */
export interface Notifications {
  /** How far a job of this connection is. */
  progress: Progress;
  /** What a job of this connection just did. */
  step: StepNote;
}

/** The `data` of an error. */
export interface FailureData {
  /** What went wrong. */
  code: ErrorCode;
  /** What to do about it. */
  hint?: string | null;
  /** What it was caused by, outermost first. */
  causes: string[];
}

/** What went wrong, stably named, so that clients decide by code and never by text. */
export type ErrorCode =
  /** The path is in no git repository. */
  | "not-a-repository"
  /** The repository has no work tree. */
  | "bare"
  /** The repository's history is cut off. */
  | "shallow"
  /** The repository has no commit. */
  | "empty"
  /** References are kept in the reftable format. */
  | "reftable"
  /** Objects are named by SHA-256. */
  | "sha256"
  /** Objects are fetched when they are read. */
  | "partial-clone"
  /** The repository is damaged or of a kind that is not supported. */
  | "unsupported"
  /** The repository belongs to another user. */
  | "foreign-owner"
  /** The repository is not watched. */
  | "not-registered"
  /** Nothing in the repository can be made a task. */
  | "no-eligible"
  /** An earlier stage left nothing to work on. */
  | "nothing-to-do"
  /** Another job of this kind runs. */
  | "busy"
  /** The user asked for an early end. */
  | "cancelled"
  /** There is no base and none could be got. */
  | "base-missing"
  /** The base is not the file it should be. */
  | "base-checksum"
  /** The file is damaged or no base that can be loaded. */
  | "base-foreign"
  /** A download found no network. */
  | "no-network"
  /** Code would be sent to a server that the user was not asked about yet. */
  | "consent-needed"
  /** No teacher is configured, or it answers nothing. */
  | "no-teacher"
  /** Commands must run in a container, and there can be none. */
  | "no-sandbox"
  /** A file is not what a patch expects. */
  | "conflict"
  /** A worker ended before its job did. */
  | "worker-lost"
  /** A file could not be read or written. */
  | "io"
  /** A disk is full. */
  | "no-space"
  /** The two sides speak different versions. */
  | "version-mismatch"
  /** The first call was not `hello`. */
  | "no-hello"
  /** The line is no JSON-RPC message. */
  | "invalid-request"
  /** There is no such method. */
  | "unknown-method"
  /** The method exists, its parameters do not fit. */
  | "invalid-params"
  /** A message is longer than a frame may be. */
  | "too-large"
  /** The daemon is ending. */
  | "stopping"
  /** A fault of ours, or a code of a later version. */
  | "internal";
