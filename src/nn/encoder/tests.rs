use candle_core::Var;

use super::super::ops::gradient::{check, noise};
use super::testing::{SMALL, golden, random};
use super::*;

fn texts() -> Packed {
    Packed::new([&[0_u32, 5, 7, 2][..], &[0, 10, 2], &[3]])
}

#[test]
fn every_tensor_gets_a_gradient() {
    let vars: Vec<(String, Var)> =
        random(&SMALL).iter().map(|(n, t)| (n.clone(), Var::from_tensor(t).unwrap())).collect();
    let weights =
        Weights::new(vars.iter().map(|(n, v)| (n.clone(), v.as_tensor().clone()))).unwrap();
    let encoder = Encoder::new(SMALL, &weights).unwrap();
    let out = encoder.embed(&texts(), &mut Dropout::new(0.1, 1)).unwrap();
    let loss = (&out * noise(77, out.dims(), 1.0)).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    for (name, var) in &vars {
        let grad = grads.get(var.as_tensor()).unwrap_or_else(|| panic!("{name} has no gradient"));
        let size = grad.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        // What is added to all keys alike moves no attention: softmax doesn't see it.
        let free = name.ends_with("self.key.bias");
        assert!(size > 1e-4 || free, "{name}: {size}");
    }
}

#[test]
fn a_layers_gradients_are_the_slopes() {
    let config = EncoderConfig { layers: 1, ..SMALL };
    let named = random(&config);
    let (names, tensors): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    check(&tensors, |vars| {
        let vars = vars.iter().map(|v| v.as_tensor().clone());
        let encoder = Encoder::new(config, &Weights::new(names.iter().cloned().zip(vars))?)?;
        encoder.embed(&texts(), &mut Dropout::off())
    });
}

#[test]
fn a_text_does_not_see_its_neighbours() {
    let encoder = Encoder::new(SMALL, &Weights::new(random(&SMALL)).unwrap()).unwrap();
    let embed = |batch: &Packed| {
        encoder.embed(batch, &mut Dropout::off()).unwrap().to_vec2::<f32>().unwrap()
    };
    let together = embed(&texts());
    for (i, text) in [&[0_u32, 5, 7, 2][..], &[0, 10, 2], &[3]].into_iter().enumerate() {
        let alone = embed(&Packed::new([text]));
        for (a, b) in alone[0].iter().zip(&together[i]) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let weights = Weights::new(random(&SMALL)).unwrap();
    let encoder = Encoder::new(SMALL, &weights).unwrap();
    let long = Packed::new([&[1_u32; 7][..]]);
    assert!(
        encoder.embed(&long, &mut Dropout::off()).unwrap_err().to_string().contains("6 at most")
    );
    let unknown = Packed::new([&[11_u32][..]]);
    assert!(encoder.embed(&unknown, &mut Dropout::off()).is_err());
    assert!(Encoder::new(EncoderConfig { layers: 3, ..SMALL }, &weights).is_err());
    assert!(Encoder::new(EncoderConfig { heads: 3, ..SMALL }, &weights).is_err());
    assert!(Encoder::new(EncoderConfig { hidden: 4, ..SMALL }, &weights).is_err());
}

#[test]
fn the_golden_outputs_are_met() {
    let Some(golden) = golden() else { return };
    let encoder = Encoder::new(golden.config, &golden.weights).unwrap();
    let batch = Packed::new(golden.cases.iter().map(|c| c.ids.as_slice()));
    let got = encoder.embed(&batch, &mut Dropout::off()).unwrap().to_vec2::<f32>().unwrap();
    for (case, got) in golden.cases.iter().zip(got) {
        let length = got.iter().map(|x| x * x).sum::<f32>().sqrt();
        for (got, want) in got.iter().zip(&case.embedding) {
            assert!((got / length - want).abs() < 1e-4);
        }
    }
}
