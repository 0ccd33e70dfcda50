//! The operations in candle's own tensor operations: slow, on any device, and differentiable by
//! candle, which makes them the test oracle of the fused kernels.

use super::{Attended, Computed, Group, Linear, Loss, Norm, Ops};
use crate::base::Base;
use crate::batch::Target;
use crate::config::Config;
use crate::lora::{Factor, Lora, Projection};
use candle_core::{D, DType, Device, IndexOp as _, Tensor};

/// One block's weights.
#[derive(Clone, Debug)]
struct Layer {
    attention_norm: Tensor,
    mlp_norm: Tensor,
    /// `[1, qkv width]`.
    qkv_bias: Option<Tensor>,
    /// The norms' weights of each head of queries and keys, `[heads + kv heads, head]`.
    head_norms: Option<Tensor>,
    groups: Vec<Tensor>,
}

/// A model's weights as tensors of one device; a clone shares them.
#[derive(Clone, Debug)]
pub struct Composed {
    config: Config,
    device: Device,
    layers: Vec<Layer>,
    final_norm: Tensor,
    embedding: Tensor,
    head: Tensor,
    lora: Option<(Lora, Tensor)>,
}

impl Composed {
    /// Copies a base to `device`.
    pub fn new(base: &Base, lora: Option<&Lora>, device: &Device) -> Computed<Self> {
        let vector = |numbers: &[f32]| Tensor::new(numbers, device);
        let matrix = |frozen: &crate::weights::Frozen| {
            Tensor::from_vec(frozen.numbers(), (frozen.outputs(), frozen.inputs()), device)
        };
        let layers = base.weights.layers.iter().map(|layer| {
            Ok(Layer {
                attention_norm: vector(&layer.attention_norm)?,
                mlp_norm: vector(&layer.mlp_norm)?,
                qkv_bias: match layer.qkv_bias.as_slice() {
                    [] => None,
                    bias => Some(vector(bias)?.unsqueeze(0)?),
                },
                head_norms: layer
                    .head_norms
                    .as_ref()
                    .map(|norms| {
                        let query = vector(&norms.query)?.repeat((base.config.heads, 1))?;
                        let key = vector(&norms.key)?.repeat((base.config.kv_heads, 1))?;
                        Tensor::cat(&[query, key], 0)
                    })
                    .transpose()?,
                groups: Group::ALL
                    .iter()
                    .map(|&group| matrix(layer.group(group)))
                    .collect::<Computed<_>>()?,
            })
        });
        Ok(Self {
            config: base.config.clone(),
            layers: layers.collect::<Computed<_>>()?,
            final_norm: vector(&base.weights.final_norm)?,
            embedding: matrix(&base.weights.embedding)?,
            head: matrix(base.weights.head())?,
            lora: lora
                .map(|lora| Computed::Ok((lora.clone(), vector(lora.parameters())?)))
                .transpose()?,
            device: device.clone(),
        })
    }

    /// The same weights under another adapter.
    pub fn under(&self, lora: Option<&Lora>) -> Computed<Self> {
        let parameters = |lora: &Lora| Tensor::new(lora.parameters(), &self.device);
        let lora = lora.map(|lora| Computed::Ok((lora.clone(), parameters(lora)?))).transpose()?;
        Ok(Self { lora, ..self.clone() })
    }

    /// The same model with the adapter's flat parameters replaced by `parameters`, which candle may
    /// track.
    #[must_use]
    pub fn with_parameters(mut self, parameters: &Tensor) -> Self {
        self.lora = self.lora.map(|(lora, _)| (lora, parameters.clone()));
        self
    }

    /// Negative log-likelihood of every target as a tensor `[targets]`.
    pub fn nll(&self, hidden: &Tensor, targets: &[Target]) -> Computed<Tensor> {
        let (logits, tokens) = self.logits(hidden, targets)?;
        let own = logits.gather(&tokens.unsqueeze(1)?, 1)?.squeeze(1)?;
        logits.log_sum_exp(D::Minus1)? - own
    }

    fn logits(&self, hidden: &Tensor, targets: &[Target]) -> Computed<(Tensor, Tensor)> {
        let rows: Vec<u32> = targets.iter().map(|target| target.row as u32).collect();
        let tokens: Vec<u32> = targets.iter().map(|target| target.token).collect();
        let rows = hidden.index_select(&Tensor::new(rows, &self.device)?, 0)?;
        Ok((rows.matmul(&self.head.t()?)?, Tensor::new(tokens, &self.device)?))
    }

    fn weight(&self, at: Norm) -> &Tensor {
        match at {
            Norm::Attention(layer) => &self.layers[layer].attention_norm,
            Norm::Mlp(layer) => &self.layers[layer].mlp_norm,
            Norm::Final => &self.final_norm,
        }
    }

    fn inverse_rms(&self, x: &Tensor) -> Computed<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        (mean + f64::from(self.config.norm_epsilon))?.sqrt()?.recip()
    }

    /// Gradient by `x` of `weight · x / rms(x)` along the last dimension.
    fn rms_backward(&self, x: &Tensor, dy: &Tensor, weight: &Tensor) -> Computed<Tensor> {
        let inverse = self.inverse_rms(x)?;
        let g = dy.broadcast_mul(weight)?;
        let mean = (&g * x)?.mean_keepdim(D::Minus1)?;
        let along = x.broadcast_mul(&(inverse.powf(3.0)? * mean)?)?;
        g.broadcast_mul(&inverse)? - along
    }

    fn factor(&self, at: (usize, Projection), factor: Factor) -> Computed<Option<Tensor>> {
        let Some((lora, parameters)) = &self.lora else {
            return Ok(None);
        };
        let slot = lora.slot(at.0, at.1, factor);
        let numbers = parameters.narrow(0, slot.offset, slot.rows * slot.columns)?;
        numbers.reshape((slot.rows, slot.columns)).map(Some)
    }

    /// Splits rows into `[heads, rows, head]` tensors of queries, keys and values, keys and values
    /// repeated for the query heads that share them.
    fn heads(&self, qkv: &Tensor) -> Computed<[Tensor; 3]> {
        let Config { heads, kv_heads, head, .. } = self.config;
        let split = qkv.reshape((qkv.dim(0)?, heads + 2 * kv_heads, head))?.transpose(0, 1)?;
        let repeated = |from: usize| {
            let part = split.narrow(0, from, kv_heads)?.unsqueeze(1)?;
            let (_, _, rows, _) = part.dims4()?;
            let group = heads / kv_heads;
            part.broadcast_as((kv_heads, group, rows, head))?.reshape((heads, rows, head))
        };
        Ok([
            split.narrow(0, 0, heads)?.contiguous()?,
            repeated(heads)?.contiguous()?,
            repeated(heads + kv_heads)?.contiguous()?,
        ])
    }

    fn scale(&self) -> f64 {
        1.0 / (self.config.head as f64).sqrt()
    }

    /// Scaled scores `[heads, rows, rows]`, later positions at −∞.
    fn scores(&self, q: &Tensor, k: &Tensor) -> Computed<Tensor> {
        let rows = q.dim(1)?;
        // Made where it is used: a megabyte for every layer would be more to send than to compute.
        let seen = Tensor::tril2(rows, DType::U8, &self.device)?;
        let never = Tensor::new(f32::NEG_INFINITY, &self.device)?.broadcast_as((rows, rows))?;
        let mask = seen.where_cond(&never.zeros_like()?, &never)?;
        (q.matmul(&k.t()?)? * self.scale())?.broadcast_add(&mask)
    }

    fn turn(&self, qkv: &Tensor, positions: &[usize], back: bool) -> Computed<Tensor> {
        let Config { heads, kv_heads, head, .. } = self.config;
        let (rows, half) = (qkv.dim(0)?, head / 2);
        let sign = if back { -1.0 } else { 1.0 };
        let frequencies = self.config.rope_frequencies();
        let angles =
            positions.iter().flat_map(|&row| frequencies.iter().map(move |f| row as f32 * f));
        let angles = Tensor::from_vec(angles.collect::<Vec<_>>(), (rows, 1, half), &self.device)?;
        let (cos, sin) = (angles.cos()?, (angles.sin()? * sign)?);
        let split = qkv.reshape((rows, heads + 2 * kv_heads, head))?;
        let rotated = split.narrow(1, 0, heads + kv_heads)?;
        let (low, high) = (rotated.narrow(2, 0, half)?, rotated.narrow(2, half, half)?);
        let new_low = (low.broadcast_mul(&cos)? - high.broadcast_mul(&sin)?)?;
        let new_high = (low.broadcast_mul(&sin)? + high.broadcast_mul(&cos)?)?;
        let rotated = Tensor::cat(&[new_low, new_high], 2)?;
        let values = split.narrow(1, heads + kv_heads, kv_heads)?;
        Tensor::cat(&[rotated, values], 1)?.reshape(qkv.shape())
    }

    /// Heads of queries and keys, `[rows, heads + kv heads, head]`, and the rest of the rows.
    fn split_heads(&self, qkv: &Tensor) -> Computed<(Tensor, Tensor)> {
        let Config { heads, kv_heads, head, .. } = self.config;
        let split = qkv.reshape((qkv.dim(0)?, heads + 2 * kv_heads, head))?;
        Ok((
            split.narrow(1, 0, heads + kv_heads)?.contiguous()?,
            split.narrow(1, heads + kv_heads, kv_heads)?.contiguous()?,
        ))
    }

    /// `[heads, rows, head]` gradients back to rows, summed over heads that share keys.
    fn rows(&self, [dq, dk, dv]: [Tensor; 3]) -> Computed<Tensor> {
        let Config { heads, kv_heads, head, .. } = self.config;
        let rows = dq.dim(1)?;
        let shared = |d: Tensor| d.reshape((kv_heads, heads / kv_heads, rows, head))?.sum(1);
        let all = Tensor::cat(&[dq, shared(dk)?, shared(dv)?], 0)?;
        all.transpose(0, 1)?.contiguous()?.reshape((rows, (heads + 2 * kv_heads) * head))
    }
}

fn sigmoid(x: &Tensor) -> Computed<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

impl Ops for Composed {
    type Rows = Tensor;
    type Saved = Tensor;
    /// By slot.
    type Gradient = Vec<Option<Tensor>>;

    fn embed(&self, tokens: &[u32]) -> Computed<Tensor> {
        self.embedding.index_select(&Tensor::new(tokens, &self.device)?, 0)
    }

    fn save(&self, rows: Tensor) -> Tensor {
        rows
    }

    fn restore(&self, saved: &Tensor) -> Tensor {
        saved.clone()
    }

    fn copy(&self, rows: &Tensor) -> Tensor {
        rows.clone()
    }

    fn zeros_like(&self, rows: &Tensor) -> Computed<Tensor> {
        rows.zeros_like()
    }

    fn recycle(&self, _: Tensor) {}

    fn norm(&self, at: Norm, x: &Tensor) -> Computed<Tensor> {
        x.broadcast_mul(&self.inverse_rms(x)?)?.broadcast_mul(self.weight(at))
    }

    fn norm_backward(&self, at: Norm, x: &Tensor, dy: Tensor, dx: Tensor) -> Computed<Tensor> {
        dx + self.rms_backward(x, &dy, self.weight(at))?
    }

    fn norms_heads(&self) -> bool {
        self.config.family.norms_heads()
    }

    fn norm_heads(&self, layer: usize, qkv: Tensor) -> Computed<Tensor> {
        let Some(weight) = &self.layers[layer].head_norms else {
            return Ok(qkv);
        };
        let (x, values) = self.split_heads(&qkv)?;
        let y = x.broadcast_mul(&self.inverse_rms(&x)?)?.broadcast_mul(weight)?;
        Tensor::cat(&[y, values], 1)?.reshape(qkv.shape())
    }

    fn norm_heads_backward(&self, layer: usize, qkv: &Tensor, dqkv: Tensor) -> Computed<Tensor> {
        let Some(weight) = &self.layers[layer].head_norms else {
            return Ok(dqkv);
        };
        let ((x, _), (dy, dvalues)) = (self.split_heads(qkv)?, self.split_heads(&dqkv)?);
        let dx = self.rms_backward(&x, &dy, weight)?;
        Tensor::cat(&[dx, dvalues], 1)?.reshape(dqkv.shape())
    }

    fn linear(
        &self,
        layer: usize,
        group: Group,
        x: &Tensor,
        onto: Option<Tensor>,
    ) -> Computed<Linear<Tensor>> {
        let mut y = x.matmul(&self.layers[layer].groups[group as usize].t()?)?;
        if let (Group::Qkv, Some(bias)) = (group, &self.layers[layer].qkv_bias) {
            y = y.broadcast_add(bias)?;
        }
        let (mut parts, mut us) = (Vec::new(), Vec::new());
        for &projection in group.projections() {
            let at = (layer, projection);
            if let (Some(a), Some(b), Some((lora, _))) =
                (self.factor(at, Factor::A)?, self.factor(at, Factor::B)?, &self.lora)
            {
                let u = x.matmul(&a.t()?)?;
                parts.push((u.matmul(&b.t()?)? * f64::from(lora.scale()))?);
                us.push(u);
            }
        }
        let u = if parts.is_empty() {
            x.narrow(1, 0, 1)?
        } else {
            y = (y + Tensor::cat(&parts, 1)?)?;
            Tensor::cat(&us, 1)?
        };
        let y = match onto {
            Some(onto) => (onto + y)?,
            None => y,
        };
        Ok(Linear { y, u })
    }

    fn linear_backward(
        &self,
        (layer, group): (usize, Group),
        x: &Tensor,
        u: &Tensor,
        dy: &Tensor,
        gradient: &mut Vec<Option<Tensor>>,
    ) -> Computed<Tensor> {
        let mut dx = dy.matmul(&self.layers[layer].groups[group as usize])?;
        let mut from = 0;
        for (i, &projection) in group.projections().iter().enumerate() {
            let at = (layer, projection);
            let (Some(a), Some(b), Some((lora, _))) =
                (self.factor(at, Factor::A)?, self.factor(at, Factor::B)?, &self.lora)
            else {
                continue;
            };
            let r = a.dim(0)?;
            let dy = (dy.narrow(1, from, b.dim(0)?)? * f64::from(lora.scale()))?;
            let v = dy.matmul(&b)?;
            dx = (dx + v.matmul(&a)?)?;
            let u = u.narrow(1, i * r, r)?;
            for (factor, new) in
                [(Factor::A, v.t()?.matmul(x)?), (Factor::B, dy.t()?.matmul(&u.contiguous()?)?)]
            {
                let slot = lora.slot(layer, projection, factor);
                let index = lora.slots().iter().position(|other| other == slot);
                gradient[index.expect("a slot of this adapter")] = Some(new);
            }
            from += b.dim(0)?;
        }
        Ok(dx)
    }

    fn rotate(&self, qkv: Tensor, positions: &[usize]) -> Computed<Tensor> {
        self.turn(&qkv, positions, false)
    }

    fn rotate_back(&self, dqkv: Tensor, positions: &[usize]) -> Computed<Tensor> {
        self.turn(&dqkv, positions, true)
    }

    fn attend(&self, qkv: &Tensor, starts: &[usize]) -> Computed<Attended<Tensor>> {
        let (mut outs, mut lses) = (Vec::new(), Vec::new());
        for pair in starts.windows(2) {
            let [q, k, v] = self.heads(&qkv.narrow(0, pair[0], pair[1] - pair[0])?)?;
            let scores = self.scores(&q, &k)?;
            let lse = scores.log_sum_exp(D::Minus1)?;
            let p = scores.broadcast_sub(&lse.unsqueeze(2)?)?.exp()?;
            let out = p.matmul(&v)?.transpose(0, 1)?.contiguous()?;
            outs.push(out.flatten_from(1)?);
            lses.push(lse.t()?);
        }
        Ok(Attended { out: Tensor::cat(&outs, 0)?, lse: Tensor::cat(&lses, 0)? })
    }

    fn attend_backward(
        &self,
        qkv: &Tensor,
        attended: &Attended<Tensor>,
        dout: &Tensor,
        starts: &[usize],
    ) -> Computed<Tensor> {
        let Config { heads, head, .. } = self.config;
        let mut parts = Vec::new();
        for pair in starts.windows(2) {
            let rows = pair[1] - pair[0];
            let by_head = |rows_of: &Tensor| {
                let own = rows_of.narrow(0, pair[0], rows)?;
                own.reshape((rows, heads, head))?.transpose(0, 1)?.contiguous()
            };
            let [q, k, v] = self.heads(&qkv.narrow(0, pair[0], rows)?)?;
            let (out, dout) = (by_head(&attended.out)?, by_head(dout)?);
            let lse = attended.lse.narrow(0, pair[0], rows)?.t()?.unsqueeze(2)?;
            let p = self.scores(&q, &k)?.broadcast_sub(&lse)?.exp()?;
            let delta = (&out * &dout)?.sum_keepdim(D::Minus1)?;
            let dp = dout.matmul(&v.t()?)?;
            let ds = ((dp.broadcast_sub(&delta)? * &p)? * self.scale())?;
            let dk = ds.t()?.contiguous()?.matmul(&q)?;
            let dv = p.t()?.contiguous()?.matmul(&dout)?;
            parts.push(self.rows([ds.matmul(&k)?, dk, dv])?);
        }
        Tensor::cat(&parts, 0)
    }

    fn gated(&self, gate_up: &Tensor) -> Computed<Tensor> {
        let half = gate_up.dim(1)? / 2;
        let gate = gate_up.narrow(1, 0, half)?;
        (&gate * sigmoid(&gate)?)? * gate_up.narrow(1, half, half)?
    }

    fn gated_backward(&self, gate_up: Tensor, dy: &Tensor) -> Computed<Tensor> {
        let half = gate_up.dim(1)? / 2;
        let (gate, up) = (gate_up.narrow(1, 0, half)?, gate_up.narrow(1, half, half)?);
        let sigmoid = sigmoid(&gate)?;
        let silu = (&gate * &sigmoid)?;
        let slope = (&sigmoid * (((1.0 - &sigmoid)? * &gate)? + 1.0)?)?;
        Tensor::cat(&[((dy * up)? * slope)?, (dy * silu)?], 1)
    }

    fn loss(&self, hidden: &Tensor, targets: &[Target], gradient: bool) -> Computed<Loss<Tensor>> {
        let (logits, tokens) = self.logits(hidden, targets)?;
        let lse = logits.log_sum_exp(D::Minus1)?.unsqueeze(1)?;
        let own = logits.gather(&tokens.unsqueeze(1)?, 1)?;
        let nll: Vec<f32> = (&lse - own)?.squeeze(1)?.to_vec1()?;
        let best: Vec<u32> = logits.argmax(D::Minus1)?.to_vec1()?;
        let greedy = best.iter().zip(targets).map(|(best, t)| *best == t.token).collect();
        if !gradient {
            return Ok(Loss { nll, greedy, gradient: None });
        }
        let slope = |(target, nll): (&Target, &f32)| target.slope(*nll);
        let weights: Vec<f32> = targets.iter().zip(&nll).map(slope).collect();
        let weights = Tensor::new(weights, &self.device)?.unsqueeze(1)?;
        let p = logits.broadcast_sub(&lse)?.exp()?.broadcast_mul(&weights)?;
        let dlogits = p.scatter_add(&tokens.unsqueeze(1)?, &weights.neg()?, 1)?;
        let rows: Vec<u32> = targets.iter().map(|target| target.row as u32).collect();
        let rows = Tensor::new(rows, &self.device)?;
        let own = dlogits.matmul(&self.head)?;
        Ok(Loss { nll, greedy, gradient: Some(hidden.zeros_like()?.index_add(&rows, &own, 0)?) })
    }

    fn gradient(&self) -> Computed<Vec<Option<Tensor>>> {
        Ok(vec![None; self.lora.as_ref().map_or(0, |(lora, _)| lora.slots().len())])
    }

    fn numbers(&self, gradient: Vec<Option<Tensor>>) -> Computed<Vec<f32>> {
        let mut numbers = Vec::new();
        for part in gradient {
            let part = part.expect("the backward visits every slot");
            numbers.extend(part.contiguous()?.flatten_all()?.i(..)?.to_vec1::<f32>()?);
        }
        Ok(numbers)
    }
}
