"""The models that are trained, in Keras: as Headrace has them by these names."""

from keras import Input, Model, layers


def conv(x, filters, size, strides=1, padding="same"):
    x = layers.Conv2D(filters, size, strides=strides, padding=padding)(x)
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def inception(x, narrow, wide):
    return layers.Concatenate()([conv(x, narrow, 1), conv(x, wide, 3)])


def downsample(x, filters):
    return layers.Concatenate()([conv(x, filters, 3, 2, "valid"), layers.MaxPooling2D(3, 2)(x)])


def mini_googlenet():
    image = Input((32, 32, 3))
    x = inception(inception(conv(image, 96, 3), 32, 32), 32, 48)
    x = downsample(x, 80)
    for narrow, wide in [(112, 48), (96, 64), (80, 80), (48, 96)]:
        x = inception(x, narrow, wide)
    x = inception(inception(downsample(x, 96), 176, 160), 176, 160)
    x = layers.Flatten()(layers.Dropout(0.5)(layers.AveragePooling2D(7)(x)))
    return Model(image, layers.Dense(10, activation="softmax", dtype="float32")(x))


def mnist_cnn():
    image = Input((28, 28, 1))
    x = layers.Flatten()(layers.MaxPooling2D(2)(layers.Conv2D(32, 3, activation="relu")(image)))
    return Model(image, layers.Dense(10, activation="softmax", dtype="float32")(x))


def generator_cnn():
    image = Input((128, 128, 3))
    x = layers.Flatten()(layers.Conv2D(32, 3, activation="relu")(image))
    return Model(image, layers.Dense(10, activation="softmax", dtype="float32")(x))


def normalized(x, filters, size, strides):
    if size > 1 and strides > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    padding = "valid" if size > 1 and strides > 1 else "same"
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def block(x, filters, strides):
    y = layers.Activation("relu")(normalized(x, filters, 3, strides))
    y = normalized(y, filters, 3, 1)
    shortcut = normalized(x, filters, 1, strides) if strides > 1 else x
    return layers.Activation("relu")(layers.Add()([y, shortcut]))


def resnet18():
    image = Input((224, 224, 3))
    x = layers.Activation("relu")(normalized(image, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for filters, strides in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        x = block(x, filters, strides)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(image, layers.Dense(10, activation="softmax", dtype="float32")(x))


MODELS = {
    "mnist_cnn": mnist_cnn,
    "mini_googlenet": mini_googlenet,
    "generator_cnn": generator_cnn,
    "resnet18": resnet18,
}
