// Figures and times as people write them.

export function formatBytes(bytes, digits = 1) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let index = 0;
  let value = bytes;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${value.toFixed(index === 0 ? 0 : digits)} ${units[index]}`;
}

export function formatDuration(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = seconds % 60;
  const parts = [];
  if (hours > 0) {
    parts.push(`${hours}h`);
  }
  if (minutes > 0) {
    parts.push(`${minutes}m`);
  }
  if (rest > 0 || parts.length === 0) {
    parts.push(`${rest}s`);
  }
  return parts.join(" ");
}

export const parseDuration = (text) => {
  const factors = { h: 3600, m: 60, s: 1 };
  let total = 0;
  for (const part of text.split(" ")) {
    const unit = part.slice(-1);
    if (!(unit in factors)) {
      throw new Error("unknown unit: " + part);
    }
    total += Number(part.slice(0, -1)) * factors[unit];
  }
  return total;
};

export function relativeTime(then, now) {
  const seconds = Math.round((now - then) / 1000);
  if (seconds < 60) {
    return "just now";
  }
  return formatDuration(seconds - (seconds % 60)) + " ago";
}
