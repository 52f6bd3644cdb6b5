"""The exercises on networks, their training, and what came of it; lessons 05 to 09."""

from cnnkit.checks.compare import Closeness
from cnnkit.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        "output_side",
        "How large is what comes out?",
        ("side", "kernel", "stride", "padding"),
        {
            "last_place_forgotten": (
                "One too few.",
                "You count the steps of the window, and it has a result before its first step as well.",
                "A window of 3 on a side of 3: no step at all. How many results?",
            ),
            "padding_at_one_side": (
                "Too few where there is padding.",
                "The padding is put on both sides, and you count it once.",
                "Draw 5 pixels with 1 pixel of padding at the left and 1 at the right. How long is the row?",
            ),
            "padding_left_out": (
                "Too few where there is padding.",
                "You work with the side as it is, but the window may also stand on the padding.",
                "How long is the row that the window slides along?",
            ),
            "stride_left_out": (
                "Right for a stride of 1, too many for any other.",
                "The window skips places, so each step is longer.",
                "How many of such steps fit into the way from the first place to the last?",
            ),
            "window_left_out": (
                "Your number does not depend on the size of the window.",
                "A window has to fit in as a whole, so its left edge cannot go right to the end.",
                "A window of 5 on a row of 6: at how many places can it stand?",
            ),
            "rounded_up": (
                "One too many where the steps do not come out even.",
                "A last step that would lead the window beyond the end is not taken.",
                "Round the other way.",
            ),
            "not_rounded": (
                "There are no parts of a pixel.",
                "Where the steps do not come out even, your division leaves a fraction.",
                "A last step that is too long is not taken. What does that do to the fraction?",
            ),
            "stride_divides_the_row": (
                "The window goes right to the end only if the stride is 1.",
                "You divide the whole row by the stride, and take the window away afterwards.",
                "First find how far the window can travel; then how many steps that is.",
            ),
            "same_as_keras": (
                'This is the rule for padding="same".',
                "Keras then chooses the padding itself; here it is given, and so is the window.",
                "Slide the window along the row, and count.",
            ),
        },
        (
            "Draw a row of 7 pixels and a window of 3. At how many places can it stand with stride 1? With stride 2?",
            "Two numbers: how long is the row with its padding, and how far can the window travel along it?",
            "The travel divided by the stride gives the steps. Only whole steps count, and the first place needs none.",
        ),
    ),
    Exercise(
        "residual_output",
        "A block with a shortcut, by hand",
        ("x", "first", "second"),
        {
            "shortcut_forgotten": (
                "You return what comes out of the convolutions alone.",
                "That is a plain block; a residual one adds what went in.",
                "What does the thick line in the drawing of lesson 05 carry?",
            ),
            "shortcut_activated": (
                "What is negative in x is lost on the shortcut.",
                "You add the activated x, but the way past the convolutions is to stay clean.",
                "Keep x, and give the activated one a name of its own.",
            ),
            "relu_behind_sum": (
                "Your result has no negative numbers.",
                "A ReLU behind the sum belongs to the original block of 2015; here it stands before each convolution.",
                "Which is the last thing that is done in this block?",
            ),
            "original_block": (
                "This is the original block of 2015.",
                "There a ReLU follows the sum, and the first convolution gets x as it is. Here a ReLU stands before"
                " each convolution, and none behind the sum.",
                "Compare the two drawings in lesson 05.",
            ),
            "no_relu": (
                "There is no ReLU in your block.",
                "Without one, two convolutions and a sum are no more than a single convolution.",
                "Before what does the task want a ReLU?",
            ),
            "shortcut_twice": (
                "The shortcut comes in twice.",
                "What went in is added once.",
                "Print your result for weights that are all 0: it should be x.",
            ),
            "branch_taken_away": (
                "You take the branch away from x.",
                "A residual block adds the two.",
                "F(x) and x: which operation is between them?",
            ),
            "first_relu_forgotten": (
                "The first convolution gets x as it is.",
                "In this block a ReLU stands before each of the two convolutions.",
                "Count your ReLUs, and say of each what it stands in front of.",
            ),
            "second_relu_forgotten": (
                "Nothing stands between the two convolutions.",
                "Without a ReLU between them, two convolutions are no more than a single one.",
                "Count your ReLUs, and say of each what it stands in front of.",
            ),
            "relu_after_each": (
                "Your ReLUs stand behind the convolutions instead of before them.",
                "So the block can only add and never take away, since what it adds is never negative.",
                "Pre-activation: first activate, then convolve.",
            ),
            "magnitude_for_relu": (
                "Negative numbers come out of your ReLU as positive ones.",
                "That is the absolute value. A ReLU makes them 0.",
                "What should become of -3? And of 3?",
            ),
            "shortcut_multiplied": (
                "You multiply with the shortcut.",
                "If the convolutions give only zeros, a residual block passes x on unchanged; yours gives zeros.",
                "F(x) and x: which operation is between them?",
            ),
            "shortcut_before_the_second": (
                "The shortcut comes in too early.",
                "It leads past both convolutions, and not into the second one.",
                "Work out the branch to its end before you look at x again.",
            ),
            "changed_in_place": (
                "The result is right, but the x that went in has been changed.",
                "+= and out= write into the array itself, and whoever gave it to you still needs it.",
                "Let the sum be a new array.",
            ),
        },
        (
            "Do it for one pixel with two channels, [1, -2], and two small matrices of your own.",
            "A 1×1 convolution without offsets is a matrix product over the channels: pixels @ weights.",
            "Five steps: ReLU, convolution, ReLU, convolution, sum. The sum needs the x of the beginning.",
        ),
    ),
    Exercise(
        "bottleneck_parameters",
        "What a bottleneck costs",
        ("before", "inner", "after"),
        {
            "biases_forgotten": (
                "Too few, and only by a little.",
                "Each filter also has an offset, one number that is added to all that it gives.",
                "How many filters does each of the three convolutions have?",
            ),
            "offset_for_each_input": (
                "The weights are right, the offsets are not.",
                "You count an offset for each channel that goes in; there is one for each that comes out.",
                "A filter makes one channel. What belongs to it?",
            ),
            "window_counted_once": (
                "The middle convolution is too cheap.",
                "A window of 3×3 has three rows and three columns, and each place in it has its own weights.",
                "How many weights does one filter have for one channel?",
            ),
            "all_one_by_one": (
                "You count the middle convolution as if its window were a single pixel.",
                "Only the outer two are 1×1; the middle one looks at the neighbours.",
                "How many places has a window of 3×3?",
            ),
            "all_three_by_three": (
                "Far too many.",
                "You count all three convolutions as 3×3, and the point of a bottleneck is that two are 1×1.",
                "How many places has a window of 1×1?",
            ),
            "not_widened": (
                "The last convolution gives too few channels.",
                "After the squeeze it has to come to the width that is asked for.",
                "Write the channels along the way: before, inner, and so on. There are four numbers.",
            ),
            "back_to_before": (
                "Your last convolution goes back to as many channels as came in.",
                "It goes to the third number, which is another one where a stage begins.",
                "Write the channels along the way: before, inner, and so on. There are four numbers.",
            ),
            "middle_at_full_width": (
                "Your middle convolution is too wide.",
                "It works on the squeezed channels, which is why it is cheap.",
                "Between which two convolutions does it stand? How many channels come in, how many go out?",
            ),
            "channels_added": (
                "Far too few.",
                "You add channels in and channels out, but each filter has weights for every channel that goes in.",
                "For one filter of a 1×1 convolution: how many weights? And how many filters are there?",
            ),
            "basic_block": (
                "This is a basic block: two convolutions of 3×3.",
                "A bottleneck has three: narrow, work, widen.",
                "Look at the section on the bottleneck in lesson 05.",
            ),
        },
        (
            "One convolution first: 1×1, from 4 channels to 2. Draw each weight as a line from a channel to a filter.",
            "A convolution has window × window × channels in × channels out weights, and as many offsets as filters.",
            "Do that three times, with the channels along the way, and add. Print the three numbers singly.",
        ),
    ),
    Exercise(
        "small_resnet",
        "A network with one residual block",
        ("shape", "filters", "classes"),
        {
            "shortcut_forgotten": (
                "Shape and parameters are right, but there is no shortcut.",
                "A shortcut has no parameters, so one does not see it in their number.",
                "Which layer brings two ways together? Print model.summary() and look for it.",
            ),
            "flattened": (
                "Your network has too many parameters.",
                "Flatten gives the last layer every place of every channel; the mean over the map leaves one number"
                " for each channel.",
                "Which layer of Keras takes the mean over rows and columns?",
            ),
            "largest_for_mean": (
                "You take the largest value of each channel instead of its mean.",
                "Both layers have no parameters and the same shape, so nothing complains.",
                "Read the name of your pooling layer.",
            ),
            "sigmoid_for_softmax": (
                "Your probabilities do not add up to 1.",
                "sigmoid looks at each class by itself; softmax shares one whole out among all.",
                "Read the task: which activation has the last layer?",
            ),
            "activation_forgotten": (
                "What comes out are no probabilities.",
                "The last layer has no activation, so it gives any number, also below 0.",
                "Which activation makes probabilities of several classes?",
            ),
            "relu_behind_sum": (
                "There is a ReLU behind the sum that the task does not ask for.",
                "It cuts off what is negative on the shortcut, too.",
                "Which layer follows the sum?",
            ),
            "no_relu_in_block": (
                "The parameters are right, but no ReLU stands before the convolutions of your block.",
                "An activation has no parameters either, so one does not see in their number that it is missing.",
                "Print model.summary(), and look for two of them.",
            ),
            "one_convolution_in_block": (
                "Your block has a single convolution.",
                "The shortcut of this block leads past two.",
                "Count: one convolution before the block, and in it?",
            ),
            "offsets_left_out": (
                "Your network has too few parameters.",
                "The convolutions are to keep their offsets; there is no batch normalisation here that would replace"
                " them.",
                "What have you said about use_bias?",
            ),
        },
        (
            "Begin with keras.Input, one convolution, the mean and the last layer. Does model.summary() look right?",
            "The block: keep x, and give y the way ReLU, convolution, ReLU, convolution. layers.Add takes a list.",
            'With padding="same" the sides stay, so that x and y fit. GlobalAveragePooling2D takes the mean of it.',
        ),
        view="network",
    ),
    Exercise(
        "ablation_subset",
        "A few of each class",
        ("labels", "count"),
        {
            "first_of_all": (
                "You took the first pictures, whatever they are.",
                "Files often lie sorted by class, and then the first hundred are all daisies.",
                "Ask for the positions of one class at a time.",
            ),
            "count_shared_out": (
                "Too few of each class.",
                "You shared the number out among the classes; it is meant for each of them.",
                "With a count of 2 and three classes of five: how many in all?",
            ),
            "smaller_class_left_out": (
                "A class with fewer pictures than asked has vanished.",
                "Without it the run cannot find out that something is wrong with that class.",
                "What does a slice give if it is longer than what there is?",
            ),
            "smallest_for_all": (
                "A small class made all the others small.",
                "Of each class as many as asked, and only of a smaller one less.",
                "Which number goes into the slice of a large class?",
            ),
            "labels_for_positions": (
                "You return the labels.",
                "With these one finds no picture; their positions are wanted.",
                "np.flatnonzero says where something is true.",
            ),
            "class_after_class": (
                "The right pictures, class after class.",
                "They are to stay in the order of the folder, so that a batch has more than one class in it.",
                "What is missing is one step at the end.",
            ),
            "last_of_each": (
                "You took the last ones of each class.",
                "The first ones are asked for, so that your answer can be compared.",
                "Look at both sides of the colon in your slice.",
            ),
            "only_two_classes": (
                "Right for two classes, wrong for more.",
                "You name the classes 0 and 1 yourself.",
                "np.unique says which labels there are.",
            ),
            "up_to_the_largest": (
                "Wrong where the labels have a gap, or do not begin at 0.",
                "You go through a range of numbers as if each were a class.",
                "np.unique says which labels there are.",
            ),
            "counted_from_one": (
                "Each of your positions is one too high.",
                "Python counts from 0: the first picture has the position 0.",
                "Look at the first position that you return. Which picture is it?",
            ),
        },
        (
            "For one class: where does labels equal it? Take the first few of those positions.",
            "np.flatnonzero(labels == 2) would give the positions of class 2, in rising order.",
            "Go through np.unique(labels), put the positions of all classes together, and sort.",
        ),
        close=Closeness(0.0),
    ),
    Exercise(
        "decayed_rate",
        "The learning rate of an epoch",
        ("initial", "factor", "every", "epoch"),
        {
            "smooth": (
                "Your rate sinks a little with every epoch.",
                "Dividing gives parts of a step; steps are whole.",
                "Which division of Python leaves the remainder out?",
            ),
            "each_epoch": (
                "Your rate sinks after every epoch.",
                "It is to stay for several epochs before the next step.",
                "Which of the arguments have you not used?",
            ),
            "one_epoch_early": (
                "The step comes one epoch too early.",
                "Epochs are counted from 0: with every = 2 the first two are 0 and 1.",
                "Write the rates of the epochs 0 to 4 with every = 2 in a row.",
            ),
            "one_epoch_late": (
                "The step comes one epoch too late.",
                "Epochs are counted from 0, so epoch 2 is the third.",
                "Write the rates of the epochs 0 to 4 with every = 2 in a row.",
            ),
            "only_one_step": (
                "It sinks once, and then never again.",
                "You ask whether the time has come, but not how often it has come.",
                "How many steps have been taken by epoch 7 if every is 2?",
            ),
            "remainder": (
                "Your rate goes up and down.",
                "% is what is left over from the division; how often it goes is wanted.",
                "How many steps have been taken by epoch 7 if every is 2?",
            ),
            "times_the_steps": (
                "You multiply by the number of steps.",
                "Each step multiplies by the factor once more, so the factors are multiplied with each other.",
                "Halve three times: 8, then? Which power of a half is that?",
            ),
            "factor_taken_away": (
                "Your rate sinks along a straight line.",
                "Each step takes a share of what is left, not of what was there at first.",
                "Halve three times: 8, then?",
            ),
            "divided_by_factor": (
                "Your rate grows.",
                "A factor below 1 makes smaller by multiplying; dividing by it makes larger.",
                "What is 0.1 times a half? And 0.1 divided by a half?",
            ),
            "never_sinks": (
                "Your rate stays what it was at first.",
                "Either the factor has no effect, or the number of steps comes out as 0 in each epoch.",
                "With every = 2, epoch 6 has three steps behind it. Which number is divided by which?",
            ),
        },
        (
            "Write the rates for initial = 8, factor = 0.5, every = 2 and the epochs 0 to 5 in a row, by hand.",
            "Two numbers: how many steps have been taken, and what do they make of the rate?",
            "Whole division, //, counts the steps. A power, **, does the same multiplication again and again.",
        ),
        close=Closeness(1e-9),
    ),
    Exercise(
        "pair_auc",
        "The area by counting pairs",
        ("labels", "scores"),
        {
            "ties_lost": (
                "Too low where scores are equal.",
                "A pair with equal scores is neither right nor wrong, and you give nothing for it.",
                "What would somebody get who guesses in such a pair?",
            ),
            "ties_won": (
                "Too high where scores are equal.",
                "You give a whole point for a tie, so that a network that says the same to all would be perfect.",
                "What would somebody get who guesses in such a pair?",
            ),
            "ties_left_out": (
                "Pairs with equal scores are missing.",
                "You leave them out of both numbers, and then a network is judged by fewer and fewer pairs.",
                "They stay among all pairs. What are they worth?",
            ),
            "wrong_way_round": (
                "You count the pairs in which the daisy is above the rose.",
                "The higher the score, the likelier a rose, so a rose should stand above.",
                "Look at your comparison, and at which label is a rose.",
            ),
            "pairs_counted": (
                "You return how many pairs are right.",
                "The area is a share, from 0 to 1.",
                "Of how many pairs in all?",
            ),
            "all_pairs": (
                "Your number is too small.",
                "You divide by all pairs of pictures, but two roses cannot be in the wrong order.",
                "With 3 roses and 4 daisies: how many pairs of one of each?",
            ),
            "side_by_side": (
                "You compared each rose with a single daisy.",
                "Two arrays of the same length are compared place by place; every rose is to meet every daisy.",
                "One axis for the roses and one for the daisies, or two loops.",
            ),
            "accuracy": (
                "You count how many are called right with a threshold of 0.5.",
                "That is the accuracy. The area needs no threshold; it asks only for the order.",
                "Take one rose and one daisy: which has the higher score?",
            ),
            "difference_of_means": (
                "You measure how far the scores lie apart.",
                "The area asks only which is higher, not by how much.",
                "Halve all scores: the order stays, and so should your result.",
            ),
        },
        (
            "Take two roses, 0.9 and 0.4, and two daisies, 0.4 and 0.1. Write down all four pairs.",
            "roses[:, None] > daisies compares each with each. Two loops will do as well.",
            "A right pair counts 1, a tie a half, a wrong one 0. The mean of these is the area.",
        ),
    ),
    Exercise(
        "precision_recall",
        "Precision and recall",
        ("matrix",),
        {
            "exchanged": (
                "The right two numbers, exchanged.",
                "Precision asks of those that were called rose, recall of those that are roses. Either their order is"
                " wrong, or you have taken rows for columns.",
                "Which entry counts the daisies that were called roses? Which of the two does it lower?",
            ),
            "class_of_daisies": (
                "These are precision and recall of the daisies.",
                "The rose is what we look for, and it is class 1.",
                "Which of the four entries counts the roses that were found?",
            ),
            "accuracy_for_precision": (
                "Your first number is the accuracy.",
                "It counts everything that is called rightly; precision looks only at what is called rose.",
                "Which of the two columns is that?",
            ),
            "specificity_for_precision": (
                "Your first number is the share of the daisies that are called daisy.",
                "That is the specificity. Precision looks at what is called rose.",
                "Which of the two columns is that?",
            ),
            "specificity_for_recall": (
                "Your second number is the share of the daisies that are called daisy.",
                "That is the specificity. Recall looks at the roses.",
                "Which of the two rows is that?",
            ),
            "accuracy_for_recall": (
                "Your second number is the accuracy.",
                "It counts everything that is called rightly; recall looks only at the roses.",
                "Which of the two rows is that?",
            ),
            "odds": (
                "At least one of your numbers can be above 1.",
                "You divide the found ones by the mistakes alone, and they belong to the whole themselves.",
                "Of 10 roses 8 are found. Which share is that? Which numbers do you divide?",
            ),
            "share_of_all": (
                "Both of your numbers are too small, and equal.",
                "You divide by all pictures.",
                "Precision: of how many that were called rose? Recall: of how many roses?",
            ),
            "nothing_called_fails": (
                "It fails where nothing was called rose.",
                "Then precision is zero divided by zero.",
                "The task says what it should be then. Ask before you divide.",
            ),
            "nothing_called_is_perfect": (
                "Where nothing was called rose, your precision is 1.",
                "Whoever says nothing makes no false alarm, but the task counts that as 0.",
                "Read the last sentence of the task.",
            ),
            "only_recall": (
                "One number came back.",
                "Two are wanted, in a list.",
                "Which of the two have you got?",
            ),
        },
        (
            "Write the four words into the four places: found, missed, false alarm, left in peace.",
            "Precision divides by a column, recall by a row.",
            "If the column of what is called rose adds up to 0, return 0 for precision before you divide.",
        ),
    ),
    Exercise(
        "screening_threshold",
        "A threshold for a screening",
        ("labels", "scores", "recall"),
        {
            "lowest_of_all": (
                "Your threshold is lower than it need be.",
                "The lowest score finds all roses, and calls every daisy a rose.",
                "Of the thresholds that find enough: which has the fewest false alarms?",
            ),
            "more_than_asked": (
                "A threshold that finds just enough is passed over.",
                "At least means that equal is good enough.",
                "Look at your comparison.",
            ),
            "threshold_itself_missed": (
                "One rose more is found than you count.",
                "From the threshold on means that a rose with just this score is found.",
                "Look at your comparison of the scores.",
            ),
            "all_pictures": (
                "Your threshold looks at all pictures.",
                "Recall is a share of the roses; the daisies have no say in it.",
                "Select by label before you look for the threshold.",
            ),
            "the_daisies": (
                "Your threshold looks at the daisies.",
                "Recall is a share of the roses, and those have the label 1.",
                "Print which scores you have selected.",
            ),
            "misses_for_recall": (
                "Your threshold is far too high.",
                "You find as many as may be missed.",
                "With a recall of 0.9, which share of the roses lies below the threshold?",
            ),
            "between_two_scores": (
                "Your threshold is no score of any rose.",
                "np.quantile fills in between two values, and then one rose too few may be found.",
                "It is enough to try the scores of the roses, one after the other.",
            ),
            "precision_for_recall": (
                "You look at the share of roses among what is called rose.",
                "That is precision. Recall is the share of the roses that is found.",
                "What do you divide by?",
            ),
            "half": (
                "You return 0.5.",
                "0.5 is a habit; a screening must not miss what it looks for.",
                "How many of the roses are found at 0.5, and how many are to be found?",
            ),
            "recall_returned": (
                "You return the recall.",
                "Asked is at which score it is reached.",
                "You know which threshold is the best. Give that back.",
            ),
        },
        (
            "Sort the scores of five roses by hand. Where must the line be so that four of them are found?",
            "Every score of a rose may be the threshold. For each: which share of the roses is found?",
            "Keep the thresholds that find enough. Which of them has the fewest false alarms?",
        ),
        close=Closeness(1e-9),
    ),
)
