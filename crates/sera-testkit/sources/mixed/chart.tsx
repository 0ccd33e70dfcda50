import * as React from "react";

interface Props {
  values: number[];
  height: number;
  onSelect?: (index: number) => void;
}

export function scale(values: number[], height: number): number[] {
  const largest = Math.max(...values, 0);
  if (largest === 0) {
    return values.map(() => 0);
  }
  return values.map((value) => Math.round((value / largest) * height));
}

export function Chart({ values, height, onSelect }: Props) {
  const bars = scale(values, height);
  const select = (index: number) => {
    if (onSelect !== undefined) {
      onSelect(index);
    }
  };
  return (
    <div className="chart">
      {bars.map((bar, index) => (
        <span key={index} style={{ height: bar }} onClick={() => select(index)} />
      ))}
    </div>
  );
}
