// A whole Keras program that trains a run's network, without the lab.

const CLIPPED = `
def clipped_crossentropy(y_true, y_pred):
    """The cross-entropy as Keras computed it in 2020, from clipped probabilities."""
    y_pred = y_pred / keras.ops.sum(y_pred, axis=-1, keepdims=True)
    y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
    return -keras.ops.sum(y_true * keras.ops.log(y_pred), axis=-1)


`;

/** Write the program of a setup that was trained on the first `images` training images. */
export function program(setup, images, whole) {
  const { values } = setup;
  const clipped = values.loss === "clipped";
  return `import keras
from keras import layers

keras.utils.set_random_seed(${values.seed})

${clipped ? CLIPPED : ""}${filled(setup.about.program, values)}

(x_train, y_train), (x_valid, y_valid) = keras.datasets.mnist.load_data()
${images < whole ? `x_train, y_train = x_train[:${images}], y_train[:${images}]\n` : ""}\
x_train, x_valid = (
    images.reshape(-1, *model.input_shape[1:]).astype("float32") / 255
    for images in (x_train, x_valid)
)
y_train, y_valid = (keras.utils.to_categorical(labels, 10) for labels in (y_train, y_valid))
history = model.fit(
    x_train,
    y_train,
    batch_size=${values.batch_size},
    epochs=${values.epochs},
    validation_data=(x_valid, y_valid),
)
`;
}

/** Put the controls' values into the course's code of a network. */
function filled(code, { filters = [], loss, ...values }) {
  const [first_filters, second_filters] = filters;
  const named = loss === "clipped" ? "clipped_crossentropy" : '"categorical_crossentropy"';
  const holes = { ...values, first_filters, second_filters, loss: named };
  const written = code.replace(/\{(\w+)\}/g, (_, key) => holes[key]);
  return values.dropout === 0 ? written.replace(/^ *layers\.Dropout.*\n/gm, "") : written;
}
