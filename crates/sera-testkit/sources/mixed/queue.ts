/** Work that waits, the most urgent first. */
export interface Job {
  name: string;
  priority: number;
  attempts: number;
}

export class Queue {
  private jobs: Job[] = [];

  constructor(private readonly limit: number) {}

  /** Adds a job behind all of the same priority. */
  push(job: Job): boolean {
    if (this.jobs.length >= this.limit) {
      return false;
    }
    const index = this.jobs.findIndex((other) => other.priority < job.priority);
    if (index === -1) {
      this.jobs.push(job);
    } else {
      this.jobs.splice(index, 0, job);
    }
    return true;
  }

  /** Takes the most urgent job and counts the attempt. */
  pop(): Job | undefined {
    const job = this.jobs.shift();
    if (job !== undefined) {
      job.attempts += 1;
    }
    return job;
  }

  /** Removes jobs that were tried too often. */
  prune(maximum: number): Job[] {
    const dropped = this.jobs.filter((job) => job.attempts > maximum);
    this.jobs = this.jobs.filter((job) => job.attempts <= maximum);
    return dropped;
  }
}

/** Milliseconds to wait before the next attempt. */
export function backoff(attempt: number, base = 100, ceiling = 30000): number {
  const delay = base * 2 ** (attempt - 1);
  return Math.min(delay, ceiling);
}

export function groupByPriority(jobs: Job[]): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const job of jobs) {
    const names = groups.get(job.priority) ?? [];
    names.push(job.name);
    groups.set(job.priority, names);
  }
  return groups;
}
