//! Activations: rows of numbers.
use super::super::gemm::Matrix;
use rayon::prelude::*;

/// Rows that one task of an element-wise operation covers at least.
pub(super) const FEW_ROWS: usize = 16;

/// A `[rows, width]` matrix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    /// The numbers, row-major.
    pub(crate) data: Vec<f32>,
    /// Numbers in a row.
    pub(crate) width: usize,
}

impl Rows {
    /// How many rows.
    pub(crate) fn count(&self) -> usize {
        self.data.len() / self.width.max(1)
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix::new(&self.data, self.count(), self.width, self.width)
    }

    /// Calls `work` with every row's index and numbers, on the pool unless they are few: handing a
    /// token's one row to another thread takes longer than the work.
    pub(super) fn each(&mut self, work: impl Fn(usize, &mut [f32]) + Sync) {
        if self.count() <= FEW_ROWS {
            let rows = self.data.chunks_mut(self.width).enumerate();
            rows.for_each(|(i, row)| work(i, row));
            return;
        }
        let rows = self.data.par_chunks_mut(self.width).enumerate();
        rows.with_min_len(FEW_ROWS).for_each(|(i, row)| work(i, row));
    }

    /// The numbers of all rows from column `from` on.
    pub(crate) fn columns(&self, from: usize) -> Vec<f32> {
        self.data.chunks_exact(self.width).flat_map(|row| &row[from..]).copied().collect()
    }

    /// One row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.width..][..self.width]
    }
}
