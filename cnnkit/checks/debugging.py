"""The exercises on sick trainings: find what is wrong, name it, cure it; lesson 14."""

from cnnkit.checks.compare import Closeness
from cnnkit.checks.exercise import Exercise

__all__ = ["EXERCISES"]

IN_PLACE = (
    "The result is right, but the array that went in has been changed.",
    "Assigning to labels[...] or batch[...] writes into the caller's array, and so does /=.",
    "Let the result be a new array, and give that back.",
)

EXERCISES = (
    Exercise(
        "sick_run_one",
        "The first sick run",
        (),
        {
            "rate_too_high": (
                "With a rate that is too high the training itself would not succeed.",
                "Its loss would jump about, grow, or be no number at all. Here it sinks steadily.",
                "Where do the two pairs of rows part? Which of them is sick?",
            ),
            "rate_too_low": (
                "With a rate that is too low nearly nothing would change in twenty epochs.",
                "Here the training rows change a lot.",
                "What does the network know about the training pictures at the end?",
            ),
            "labels_shuffled": (
                "With shuffled labels there would be nothing to learn.",
                "The training accuracy would stay near one half; here it reaches 1.",
                "What would somebody have to do to be wrong nearly every time?",
            ),
            "softmax_twice": (
                "A second softmax would keep the training loss from sinking to 0.",
                "Here it sinks as far as it should.",
                "Which of the rows are sick: the training's, or the validation's?",
            ),
            "same_pictures": (
                "With the same pictures on both sides, validation would look as good as training.",
                "Here the two move apart as far as they can.",
                "What would somebody have to do to be wrong nearly every time?",
            ),
            "overfitting": (
                "A network that has only learnt by heart guesses on new pictures, and is right about every other time.",
                "Here the validation accuracy is far below one half, and one cannot be so wrong without knowing.",
                "What would somebody have to do to be wrong nearly every time?",
            ),
            "inputs_not_scaled": (
                "Inputs of 0 to 255 would trouble the training first.",
                "Its rows are healthy here, and the validation pictures are made in the same way.",
                "What else belongs to a validation set but its pictures?",
            ),
        },
        (
            "Compare with guessing: an accuracy of one half, a loss of 0.69. Which rows are better, which worse?",
            "The training is healthy. So the sickness must lie in what validation has of its own.",
            "To be right in 1 of 100 takes as much knowledge as to be right in 99 of 100.",
        ),
        kind="value",
    ),
    Exercise(
        "sick_run_two",
        "The second sick run",
        (),
        {
            "rate_too_high": (
                "With a rate that is too high the loss would jump about or grow.",
                "Here it sinks in every row, and only stops too early.",
                "Is the accuracy what is sick, or the loss?",
            ),
            "rate_too_low": (
                "With a rate that is too low the accuracy would not be near 1 either.",
                "Here the pictures are learnt; it is the loss alone that does not go on.",
                "How large is the loss of a network that is right and sure of it?",
            ),
            "labels_shuffled": (
                "With shuffled labels there would be nothing to learn.",
                "Here nearly every picture is called rightly.",
                "How large is the loss of a network that is right and sure of it?",
            ),
            "classes_exchanged": (
                "With exchanged classes the validation would be wrong nearly every time.",
                "Here validation and training agree.",
                "How can nearly all be right, and the loss be far from 0?",
            ),
            "same_pictures": (
                "With the same pictures on both sides the loss would sink to 0 on both.",
                "Here it stops far above, and on both sides at the same height.",
                "Which probability belongs to that loss? Take the exponential of minus 0.31.",
            ),
            "overfitting": (
                "In overfitting the training loss sinks on, and the validation loss rises.",
                "Here both stop, at the same height.",
                "Which probability belongs to that loss? Take the exponential of minus 0.31.",
            ),
            "inputs_not_scaled": (
                "Inputs of 0 to 255 make a training rough or break it, and do not set a limit to the loss.",
                "Here it goes smoothly, to a height that it does not fall below.",
                "Which probability belongs to that loss? Take the exponential of minus 0.31.",
            ),
        },
        (
            "Compare the last column with a healthy run: which row is as it should be, and which is not?",
            "A loss of 0.31 means a probability of 0.73 for the right class. As if it were forbidden to be sure.",
            "What comes out if you give the probabilities 1 and 0 to a function that expects any two numbers?",
        ),
        kind="value",
    ),
    Exercise(
        "sick_run_three",
        "The third sick run",
        (),
        {
            "rate_too_high": (
                "With a rate that is too high the training would not succeed.",
                "Here it reaches an accuracy of 1.",
                "Three sets of pictures: which of them does not fit the other two?",
            ),
            "rate_too_low": (
                "With a rate that is too low nearly nothing would change in twenty epochs.",
                "Here training and validation both reach 1.",
                "Three sets of pictures: which of them does not fit the other two?",
            ),
            "labels_shuffled": (
                "With shuffled labels there would be nothing to learn.",
                "Here training and validation both reach 1.",
                "What do the validation pictures have that the new ones do not?",
            ),
            "classes_exchanged": (
                "With exchanged classes validation would be wrong nearly every time.",
                "Here it is right every time.",
                "What do the validation pictures have that the new ones do not?",
            ),
            "softmax_twice": (
                "A second softmax would keep the loss from sinking to 0.",
                "Here it does sink that far.",
                "What do the validation pictures have that the new ones do not?",
            ),
            "overfitting": (
                "There is overfitting here, but validation is there to show it, and did not.",
                "An honest validation would have been about as bad as the new pictures are.",
                "Why did the validation pictures not notice? What must be wrong with them?",
            ),
            "inputs_not_scaled": (
                "Inputs of 0 to 255 would trouble the training first.",
                "Here training and validation both reach 1.",
                "What do the validation pictures have that the new ones do not?",
            ),
        },
        (
            "Who is healthy here: training, validation, or the new pictures?",
            "Validation is to tell how it will go with pictures the network has never seen. It promised too much.",
            "How can one be perfect in an exam without understanding anything?",
        ),
        kind="value",
    ),
    Exercise(
        "healthy_settings",
        "Cure a configuration",
        (),
        {
            "pixels_not_scaled": (
                "The pixels still do not come in from 0 to 1.",
                "That is what most of the sickness comes from; a lower rate only hides it.",
                "Which of the settings says what is done to the pixels? What is the largest value of one?",
            ),
            "pixels_too_small": (
                "The pixels are divided by too much.",
                "The network was made for 0 to 1, and white does not come to 1 with you.",
                "What is the largest value of a pixel in an uint8 picture?",
            ),
            "rate_still_too_high": (
                "The learning rate is still far too high.",
                "Every step throws the weights beyond the goal, whatever the inputs are.",
                "Which rates were good in the sweep of lesson 08?",
            ),
            "rate_too_low": (
                "Your learning rate is too low.",
                "Then the run is not sick any more, but it does not move either.",
                "Which rates were good in the sweep of lesson 08?",
            ),
            "softmax_still_twice": (
                "Softmax is still applied twice.",
                "The last layer gives probabilities, and the loss takes them for logits and makes probabilities anew.",
                "One of two settings has to change so that they agree.",
            ),
            "softmax_nowhere": (
                "Now there is no softmax at all.",
                "Both settings are changed: the last layer gives logits, and the loss takes them for probabilities.",
                "They contradicted each other, so one of the two is enough.",
            ),
            "validation_still_changed": (
                "The validation pictures are still being changed.",
                "So each epoch is measured with another yardstick, and with pictures that nobody has taken.",
                "What is augmentation for? Who is to learn from it?",
            ),
            "training_not_augmented": (
                "You have also taken the augmentation away from the training.",
                "That was healthy: it shows the network more than there is.",
                "Change only what is sick.",
            ),
            "order_fixed": (
                "You have also turned the shuffling off.",
                "That was healthy: files lie sorted by class, and batches of one class teach badly.",
                "Change only what is sick.",
            ),
            "nothing_changed": (
                "Everything is as it was.",
                "Four of the settings are sick.",
                "Begin with the pixels: how large are they when they come into the network?",
            ),
        },
        (
            "Go through the settings in the order in which a picture meets them: pixels, augmentation, network, loss.",
            "Two of the settings are healthy each by itself, and contradict each other.",
            "Two settings about augmentation, one about the order: two of these three are as they should be.",
        ),
        kind="value",
        view="training_settings",
    ),
    Exercise(
        "copies_in_validation",
        "Find the copies",
        ("training", "validation", "tolerance"),
        {
            "only_exact_copies": (
                "Copies that were saved once more are missing.",
                "JPEG changes some pixels a little, so that == finds no two pictures alike.",
                "How far apart may two pixels be?",
            ),
            "ran_over": (
                "Some copies are missing whose pixels are a little darker than the original's.",
                "A difference below zero has no place in uint8: 3 - 5 is 254.",
                "Go over to a type with more room before you subtract.",
            ),
            "sign_forgotten": (
                "You found pictures that are no copies.",
                "A picture that is much darker has differences far below zero, and these are not above any limit.",
                "A distance has no sign.",
            ),
            "side_by_side": (
                "You compared each validation picture with the training picture at the same position.",
                "A copy may be anywhere in the other folder.",
                "Every validation picture has to meet every training picture.",
            ),
            "limit_left_out": (
                "Copies are missing in which a pixel differs by just the tolerance.",
                "At most means that equal is near enough.",
                "Look at your comparison.",
            ),
            "on_average": (
                "You found pictures that are no copies.",
                "You look at the mean difference, and a picture with one spot more is then nearly the same.",
                "No pixel may differ by more than the tolerance, not even one.",
            ),
            "any_pixel": (
                "You found far too many.",
                "One pixel that is alike is enough for you; in a copy all are.",
                "Is it any or all?",
            ),
            "positions_in_training": (
                "These are the positions in the training set.",
                "The pictures in validation are to be taken out, so their positions are needed.",
                "Which of your two loops gives the number that you keep?",
            ),
            "once_for_each_original": (
                "A copy is named more than once.",
                "The same picture may lie twice in the training set, and you count each time.",
                "One place in your list for each validation picture. When has it been found?",
            ),
            "copies_within_validation": (
                "You compare the validation pictures with each other.",
                "Two that are alike there are not nice, but not what is asked: was the network trained with it?",
                "Which two sets have to meet?",
            ),
        },
        (
            "Begin with two pictures: write a line that says True if no pixel differs by more than the tolerance.",
            "Mind uint8: change the type before you subtract, and take the absolute value.",
            "Two loops, or a loop and np.abs(training - picture).max over the pixels. np.any says if there was one.",
        ),
        close=Closeness(0.0),
    ),
    Exercise(
        "relabel",
        "The same numbers for the same classes",
        ("labels", "their_classes", "our_classes"),
        {
            "left_as_they_are": (
                "You return the labels as they were.",
                "0 means the first of their classes, and that is not the first of ours.",
                "Label 0: what is its name? And which number has this name with us?",
            ),
            "the_other_way_round": (
                "Right for two classes, wrong for some of more.",
                "You go from our numbers to theirs. With two classes that is the same way.",
                "Label 0: first find its name in their list, and then the name's place in ours.",
            ),
            "only_two_classes": (
                "Right where two classes have changed places, wrong elsewhere.",
                "1 minus the label knows only 0 and 1, and exchanges them even if nothing is wrong.",
                "Do it by way of the names.",
            ),
            "names_for_numbers": (
                "You return the names.",
                "The network gives numbers, so numbers are needed to compare with.",
                "Which place has the name in our list?",
            ),
            "one_after_the_other": (
                "Some labels were changed twice.",
                "You replace 0 first and then 1, and what has just become 1 is changed once more.",
                "Ask the old labels each time, and write into a new array.",
            ),
            "sorted_names": (
                "You number the names in alphabetical order.",
                "That is what Keras does with folders; our list may be in another order.",
                "Where in our_classes does the name stand?",
            ),
            "counted_from_one": (
                "Each label is one too high.",
                "Classes are numbered from 0.",
                "What is the first of our classes to become?",
            ),
            "order_reversed": (
                "Right only where the two lists are each other's reverse.",
                "You count from the end; with three classes in another order that is wrong.",
                "Do it by way of the names.",
            ),
            "changed_in_place": IN_PLACE,
        },
        (
            "Their list is (rose, daisy), ours (daisy, rose). What has to become of [0, 0, 1]?",
            "From the number to the name by their list, from the name to the number by ours.",
            "A list's index gives the place of a name. Make a small table first: for each of their numbers, ours.",
        ),
        close=Closeness(0.0),
    ),
    Exercise(
        "softmax_once",
        "Softmax, but only once",
        ("outputs",),
        {
            "always": (
                "What already was probabilities has been through softmax again.",
                "Then 1 and 0 become 0.73 and 0.27, and no network can ever be sure.",
                "How does one recognise probabilities? Two things are true of each row.",
            ),
            "never": (
                "Logits are returned as they are.",
                "They are any numbers, also below 0, and do not add up to 1.",
                "Which of the two kinds are these? What does it take to make the other of them?",
            ),
            "wrong_axis": (
                "Your columns add up to 1, and it should be the rows.",
                "A row is one picture, and its classes share one whole among them.",
                "Over which axis is the sum?",
            ),
            "whole_batch": (
                "Your whole batch adds up to 1, and it should be each row.",
                "A sum without an axis goes over all pictures.",
                "Over which axis is the sum? Does it keep its shape, so that the division fits?",
            ),
            "too_large_for_exp": (
                "There is no number where logits are large.",
                "The exponential of 1000 is infinite, and infinity divided by infinity is NaN.",
                "Softmax does not change if you take the same number away from all of a row. Which one would help?",
            ),
            "range_is_enough": (
                "Logits that happen to lie between 0 and 1 are taken for probabilities.",
                "The range is one sign of two.",
                "What else is true of the probabilities of one picture?",
            ),
            "sum_is_enough": (
                "Logits that happen to add up to 1 are taken for probabilities.",
                "[3, -2] adds up to 1 as well.",
                "What else is true of a probability?",
            ),
            "divided_by_the_sum": (
                "Your rows add up to 1, but they are not what softmax gives.",
                "Dividing by the sum is not enough: logits may be below 0, and the sum may be 0.",
                "What does softmax do with each number before the division?",
            ),
            "sigmoid": (
                "Each of your numbers lies from 0 to 1, but the rows do not add up to 1.",
                "That is the sigmoid, which looks at each class by itself.",
                "Softmax shares one whole out among the classes of a row. What do you divide by?",
            ),
            "not_divided": (
                "You have taken the exponential, and not divided.",
                "So your rows do not add up to 1.",
                "What is each number's share of its row?",
            ),
            "logarithm": (
                "Your numbers are all below 0.",
                "These are logarithms of probabilities, which some losses want; here the probabilities are asked for.",
                "Which function undoes a logarithm? Or have you called log_softmax?",
            ),
            "sign_changed": (
                "What should be likeliest is least likely.",
                "You take the exponential of minus the logits.",
                "Look at the sign in your exponent.",
            ),
            "one_hot": (
                "All of your probabilities are 0 or 1.",
                "Choosing the largest is not softmax; how sure the network is has been lost.",
                "What does softmax do with each number before the division?",
            ),
        },
        (
            "Two questions to the whole array: are all numbers from 0 to 1, and does every row add up to 1?",
            "Adding up leaves rounding errors: np.isclose or np.allclose instead of ==.",
            "Softmax: the exponential of each number, divided by its row's sum. First take away the row's largest.",
        ),
    ),
    Exercise(
        "scaled_once",
        "Scaled, but only once",
        ("batch",),
        {
            "always_divided": (
                "What was from 0 to 1 already has been divided again.",
                "Then no pixel is brighter than 1/255, and the network sees black.",
                "How does one recognise a batch that has been scaled?",
            ),
            "never_divided": (
                "Your values still go up to 255.",
                "A network that was made for 0 to 1 gets numbers that are far too large.",
                "What is the largest value that comes in? And the largest that goes out?",
            ),
            "by_the_largest": (
                "Your brightest pixel is always 1.",
                "You divide by the largest value of the batch; so a dark batch becomes bright.",
                "255 is white, whether it occurs or not.",
            ),
            "cut_off_at_one": (
                "Nearly all of your pixels are 1.",
                "You cut off what is above 1, and that is nearly everything in a batch of 0 to 255.",
                "Scaling means dividing. By what?",
            ),
            "each_picture_decides": (
                "A black picture in a batch of 0 to 255 was left as it is.",
                "You decide for each picture by itself; one that is black says nothing about the scale of its batch.",
                "The whole batch was made in one way. How large is its largest value?",
            ),
            "only_whole_numbers": (
                "Floating-point numbers from 0 to 255 are left as they are.",
                "The type says little: astype changes it without changing a value.",
                "What would you ask such a batch?",
            ),
            "dark_bytes_left": (
                "A batch of uint8 that is nearly black was left as it is.",
                "In uint8 a 1 is almost black, in floating point it is white.",
                "For one of the two types there is nothing to ask.",
            ),
            "whole_division": (
                "Nearly all of your pixels are 0.",
                "// leaves out what stands behind the point.",
                "Print the dtype of your result.",
            ),
            "other_range": (
                "Your values go from -1 to 1.",
                "Some networks want that; this one was made for 0 to 1.",
                "What has to become of a black pixel?",
            ),
            "changed_in_place": IN_PLACE,
        },
        (
            "Three kinds come in: uint8; floating point up to 255; floating point up to 1. Which of them are divided?",
            "uint8 is always divided. For floating point, look at the largest value of the whole batch.",
            "batch.dtype == np.uint8 asks for the type, batch.max() for the largest value.",
        ),
    ),
    Exercise(
        "epoch_mean",
        "The loss of a whole epoch",
        ("losses", "sizes"),
        {
            "mean_of_means": (
                "Every batch counts the same with you.",
                "The last batch is smaller, so each of its pictures gets more weight than the others.",
                "How many pictures stand behind each of the numbers?",
            ),
            "only_the_last": (
                "You return the last batch's loss.",
                "It belongs to a few pictures; which ones is chance.",
                "What have you done with the other batches?",
            ),
            "last_left_out": (
                "The last batch is missing.",
                "Its pictures are never counted, and if nothing is shuffled they are always the same ones.",
                "Look at the end of your slice or loop.",
            ),
            "sum_not_divided": (
                "You return the sum over all pictures.",
                "Then a larger set has a larger loss, and one cannot compare.",
                "How many pictures are there in all?",
            ),
            "means_added": (
                "You have added the losses of the batches.",
                "Each is a mean already; adding means gives no mean.",
                "From a batch's mean to the sum over its pictures: what is missing?",
            ),
            "divided_by_batches": (
                "Your result is far too large.",
                "You weigh each batch by its pictures, and then divide by the number of batches.",
                "A sum over pictures is divided by the number of what?",
            ),
            "all_as_full_batches": (
                "A little too small.",
                "You divide as if every batch were as large as the first.",
                "How many pictures are there really?",
            ),
            "middle": (
                "You return the median.",
                "It leaves out how bad the bad batches were.",
                "A mean over all pictures is wanted.",
            ),
            "weighed_by_the_inverse": (
                "The smaller a batch, the more it counts with you.",
                "You divide by its size where you should multiply.",
                "From a batch's mean to the sum over its pictures: times or divided by?",
            ),
        },
        (
            "Three pictures with a mean of 1, and one picture with a loss of 5. What is the mean of the four?",
            "From each batch's mean back to its sum; then one division at the end.",
            "Mean times size is the sum of a batch. All of these added, divided by all pictures.",
        ),
    ),
)
