"""The order of the images in an epoch, and the means over its batches."""

import numpy as np

from ..runs import Run


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """Return the order in which `train(..., seed=seed)` visits the images in an epoch (from 0).

    Returns
    -------
    numpy.ndarray
        A permutation of 0 to images - 1, int64; each epoch has a different one.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.epoch_order(seed=0, epoch=0, images=5)
    array([2, 4, 3, 0, 1])
    """
    return np.random.default_rng([seed, epoch]).permutation(images)


def epoch_means(run: Run, epoch: int, images: int) -> tuple[float, float]:
    """Return the mean loss and accuracy of an epoch's batches, weighted by their sizes.

    Parameters
    ----------
    run
        A run that has trained the epoch.
    epoch
        From 0.
    images
        Number of training images; the last batch may be shorter than the others.
    """
    steps, batch_size = run.settings.steps_per_epoch, run.settings.batch_size
    sizes = np.full(steps, batch_size)
    sizes[-1] = images - (steps - 1) * batch_size
    own = slice(epoch * steps, (epoch + 1) * steps)
    return (
        float(np.average(run.batch_loss[own], weights=sizes)),
        float(np.average(run.batch_accuracy[own], weights=sizes)),
    )
