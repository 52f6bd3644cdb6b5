"""The exercises on rare findings: what a figure is worth, and what a mistake should cost; lessons 12 and 13."""

from cnnkit.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        "two_accuracies",
        "90 % right, and useless",
        ("matrix",),
        {
            "balanced_is_plain": (
                "Your second number is the accuracy once more.",
                "In it a class with many films counts much and a rare one hardly at all; balanced means that every"
                " class counts alike.",
                "What share of the effusions was found? And of the others? Do this for each row.",
            ),
            "columns_for_rows": (
                "Your second number goes by columns.",
                "A column holds all films that were called the same: its share is the precision. And where nothing was"
                " called effusion you divide by zero.",
                "Along which axis does one actual class lie?",
            ),
            "only_effusions": (
                "Your second number looks at the effusions alone.",
                "It could be raised to 1 by calling every film effusion.",
                "Every class has such a share. What do you do with all of them?",
            ),
            "only_first_class": (
                "Your second number looks at the first class alone.",
                "It is 1 for whoever always says nofinding.",
                "Every class has such a share. What do you do with all of them?",
            ),
            "not_divided": (
                "Your second number is too large; it can even be above 1.",
                "You have added the shares of the classes.",
                "A mean is wanted. Of how many?",
            ),
            "multiplied": (
                "Your second number is too small.",
                "You have multiplied the shares of the classes; a single 0 then makes everything 0.",
                "A mean is wanted.",
            ),
            "halved_whatever_comes": (
                "It is right for two classes, and not for more.",
                "You divide by 2, however many classes there are.",
                "Ask the matrix how many classes it has.",
            ),
            "every_cell_counted": (
                "Your second number depends on nothing but the number of classes.",
                "The mean runs over all cells, mistakes included.",
                "Which cells of the matrix hold what was called rightly?",
            ),
            "counts_not_shares": (
                "Your first number is how many films were called rightly.",
                "An accuracy is a share, from 0 to 1.",
                "Of how many films in all?",
            ),
            "only_plain": (
                "Only the accuracy came back.",
                "Two numbers are wanted, in a list.",
                "Work out for every row which share of it is on the diagonal.",
            ),
            "divided_by_all": (
                "Your second number is too small.",
                "You divide what was called rightly of each class by all films, not by the films of that class.",
                "How many films does each row hold?",
            ),
            "shares_not_averaged": (
                "Your second number is not a number but one for each class.",
                "They are the right shares; a mean is wanted.",
                "How do you make one number of them?",
            ),
            "geometric_mean": (
                "Your second number is too small.",
                "You took a root of a product; a single 0 then makes everything 0.",
                "The ordinary mean is wanted: add, then divide.",
            ),
            "worst_class": (
                "Your second number is that of the worst class.",
                "Balanced means that every class counts alike, not that the worst counts alone.",
                "Every class has such a share. What do you do with all of them?",
            ),
            "first_two_classes": (
                "It is right for two classes, and not for more.",
                "You ask for the cells by their numbers, 0 and 1; a third class is not looked at.",
                "Ask the matrix how many classes it has.",
            ),
            "only_balanced": (
                "Only the balanced accuracy came back.",
                "Two numbers are wanted, in a list.",
                "What share of all films is on the diagonal?",
            ),
            "per_class_of_counts": (
                "Your first number is far above 1.",
                "You have averaged the counts on the diagonal; an accuracy is a share of all films.",
                "How many films are there in all?",
            ),
            "first_class_called_rightly": (
                "Your first number counts the rightly called films of the first class only.",
                "What is called rightly stands on the whole diagonal.",
                "Which other cells hold films that are called what they are?",
            ),
            "only_two_rows": (
                "It is right for two classes, and not for more.",
                "Your mean takes in the first two classes only.",
                "Ask the matrix how many classes it has.",
            ),
        },
        (
            "Take [[1000, 0], [107, 0]] on paper. How many films are called rightly? Of how many?",
            "The films that are called rightly lie on the diagonal. For each row: the share of it that does.",
            "np.diagonal gives the diagonal, and sum takes an axis: axis 1 adds along each row.",
        ),
    ),
    Exercise(
        "sensitivity_at",
        "How many are found, if false alarms are to be few",
        ("labels", "scores", "specificity"),
        {
            "threshold_left_at_half": (
                "You call effusion from 0.5 up.",
                "0.5 is a habit; here the threshold is to be as low as the wanted specificity lets it be.",
                "Which films decide where the threshold may lie?",
            ),
            "parts_swapped": (
                "Sensitivity and specificity have changed places.",
                "You hold the share of found effusions fixed, and report on the others.",
                "Specificity is about the films without effusion: which share of them is left in peace?",
            ),
            "more_than_asked": (
                "A threshold that gives just the wanted specificity is passed over.",
                "At least means that equal is good enough.",
                "Look at your comparison.",
            ),
            "false_alarms_for_specificity": (
                "Your threshold is far too low.",
                "You hold the share of false alarms at the wanted specificity: 1 minus it would be right.",
                "With a specificity of 0.9, which share of the films without effusion may be called effusion?",
            ),
            "least_of_all": (
                "Of all thresholds that are good enough you take the worst.",
                "A high threshold has few false alarms, and finds hardly anything.",
                "Which of them finds the most?",
            ),
            "between_two_scores": (
                "Your threshold lies between two films, where no film is.",
                "np.quantile fills in between two values, so an effusion is lost that could be found, or one false"
                " alarm too many comes in.",
                "It is enough to try the scores that occur, one after the other.",
            ),
            "ties_called_effusion": (
                "Where an effusion and another film have the same score, too many are found.",
                "Both lie on the same side of any threshold. To leave the one in peace is to miss the other.",
                "Try each score as threshold, and count both kinds with the same comparison.",
            ),
            "threshold_itself_missed": (
                "The film whose score is the threshold is missing.",
                "A film is called effusion if its score is as high as the threshold or higher.",
                "Look at your comparison.",
            ),
            "all_films_sorted": (
                "Your threshold leaves the wanted share of all films below it.",
                "Specificity is a share of the films without effusion; the effusions have no say in it.",
                "Select by label before you look for the threshold.",
            ),
            "threshold_returned": (
                "You return the threshold.",
                "That is the right place; asked is which share of the effusions is found there.",
                "One line is missing: how many effusions have such a score?",
            ),
            "share_of_all_films": (
                "Your number is too small.",
                "You divide the effusions that are found by all films.",
                "Sensitivity is a share of the effusions. How many are there?",
            ),
            "films_counted": (
                "You return how many effusions are found.",
                "Sensitivity is a share, from 0 to 1.",
                "Of how many effusions in all?",
            ),
            "specificity_as_threshold": (
                "You use the specificity as threshold.",
                "The one is a share of films, the other a score.",
                "For one threshold: which share of the films without effusion lies below it?",
            ),
            "only_scores_of_others": (
                "Some effusions that could be found are missed.",
                "You try only the scores of the films without effusion as threshold, and it may be lower.",
                "It is enough to try the scores that occur, those of the effusions as well.",
            ),
            "wrong_end": (
                "Your threshold is far too low.",
                "You let so many films without effusion lie above it as should lie below.",
                "With a specificity of 0.9, which share of the films without effusion may be called effusion?",
            ),
            "last_kept": (
                "You return the last threshold that is good enough, in the order of the films.",
                "That is not the best one: each time the one before is overwritten.",
                "What do you do if a later threshold finds less?",
            ),
            "first_taken": (
                "You return the first threshold that is good enough, in the order of the films.",
                "The films are in no order, and a later threshold may find more.",
                "When can you be sure that you have the best?",
            ),
            "all_called_counted": (
                "Your number is the share of all films that are called effusion.",
                "Sensitivity looks at the effusions alone.",
                "Select by label before you take the mean.",
            ),
            "specificity_of_all_films": (
                "Your specificity is too small, so that you pass over most thresholds.",
                "You divide by all films; it is a share of the films without effusion.",
                "Select by label before you take the mean.",
            ),
            "precision_returned": (
                "You return how many of those that are called effusion are effusions.",
                "That is the precision; sensitivity asks how many of the effusions are called so.",
                "Which films does your mean run over?",
            ),
            "missed_returned": (
                "You return the share of the effusions that are missed.",
                "Asked is the share that is found.",
                "Look at your comparison, for the effusions.",
            ),
            "at_most": (
                "You keep the thresholds whose specificity is too small.",
                "At least means that larger is good.",
                "Look at your comparison.",
            ),
            "false_alarms_returned": (
                "You return the share of false alarms that is allowed.",
                "Nothing in it depends on the scores.",
                "For one threshold: which share of the effusions lies there or above?",
            ),
        },
        (
            "Divide the scores into two arrays: those of the effusions, those of the others.",
            "For one threshold: which share of the others lies below it? Which share of the effusions does not?",
            "Try every score that occurs as threshold. Keep those with enough specificity. Which is the best?",
        ),
    ),
    Exercise(
        "predictive_value",
        "The film was called effusion. Is it one?",
        ("sensitivity", "specificity", "prevalence"),
        {
            "prevalence_ignored": (
                "Your number does not depend on how common effusions are.",
                "That is right where half of all patients have one, and nowhere else.",
                "Imagine 1000 patients. How many of them have an effusion, how many not?",
            ),
            "sensitivity_returned": (
                "You return the sensitivity.",
                "It says how many of the ill are called ill. Asked is how many of those who are called ill are so.",
                "How many of 1000 patients are called effusion? How many of those rightly?",
            ),
            "negative_value": (
                "This is how far a film can be trusted that was called nofinding.",
                "Asked is the film that was called effusion.",
                "Who of 1000 patients is called effusion?",
            ),
            "specificity_for_false_alarms": (
                "You count the healthy who are left in peace as false alarms.",
                "Specificity is the share of the healthy who are called rightly.",
                "Which share of the healthy gives a false alarm?",
            ),
            "false_alarms_of_everybody": (
                "Too many false alarms.",
                "Only those without an effusion can give a false alarm, and you take the share of all.",
                "How many of 1000 patients have none?",
            ),
            "all_who_have_it": (
                "This is the share of all patients who have an effusion and are found.",
                "Asked is a share of those who are called effusion.",
                "What is missing in the denominator?",
            ),
            "share_called_effusion": (
                "This is the share of all patients who are called effusion.",
                "It has the two kinds in it: the rightly called and the false alarms.",
                "Which part of it is right?",
            ),
            "accuracy_returned": (
                "This is the accuracy.",
                "It is large where nearly all are healthy, whatever a call of effusion is worth.",
                "Look only at those who are called effusion.",
            ),
            "rates_swapped": (
                "Sensitivity and specificity have changed places.",
                "Sensitivity belongs to those who have an effusion, specificity to those who have none.",
                "Write the four groups of 1000 patients into a 2×2 table.",
            ),
            "healthy_for_ill": (
                "The ill and the healthy have changed places.",
                "The prevalence is the share of those who have an effusion.",
                "Which of your factors belongs to which group?",
            ),
            "divided_by_the_others": (
                "Your number can be above 1.",
                "You divide the rightly called by the false alarms; a share is a part of the whole.",
                "Who belongs to all that are called effusion?",
            ),
            "misses_for_false_alarms": (
                "The healthy are given the rate of the ill.",
                "1 minus the sensitivity is the share of the ill who are missed.",
                "Which share of the healthy gives a false alarm?",
            ),
            "outer_brackets_forgotten": (
                "Your number is too large.",
                "Division comes before addition: only the first part of the denominator is divided by.",
                "Put brackets round all that are called effusion.",
            ),
            "inner_brackets_forgotten": (
                "Your number makes no sense.",
                "Multiplication comes before subtraction: 1 - a * b is not the same with brackets round 1 - a.",
                "Work out each of the four groups in a line of its own, and print it.",
            ),
            "all_multiplied": (
                "You multiplied all three numbers.",
                "Sensitivity belongs to the ill, specificity to the healthy; nobody is both.",
                "Imagine 1000 patients. How many of them have an effusion, how many not?",
            ),
            "ill_among_nofinding": (
                "This is how many of those called nofinding have an effusion all the same.",
                "Asked is the film that was called effusion.",
                "Who of 1000 patients is called effusion?",
            ),
            "only_false_alarms": (
                "This is the share of all patients who give a false alarm.",
                "They are one part of those who are called effusion.",
                "Who else is called effusion?",
            ),
            "ill_among_false": (
                "This is the share of false alarms among those who are called effusion.",
                "Asked are the others.",
                "What is in your numerator?",
            ),
            "false_alarm_rate": (
                "This is how many of the healthy give a false alarm.",
                "It is one of the two rates that are needed, and not the answer.",
                "Imagine 1000 patients. How many have an effusion, and who of them all is called so?",
            ),
            "prevalence_returned": (
                "You return the prevalence.",
                "That is how likely an effusion is before anybody has looked at the film.",
                "What is different for those who are called effusion?",
            ),
            "specificity_returned": (
                "You return the specificity.",
                "It says how many of the healthy are left in peace. Asked is how many of those who are called ill are"
                " so.",
                "How many of 1000 patients are called effusion? How many of those rightly?",
            ),
            "whole_patients": (
                "Close: you round the patients to whole numbers.",
                "With a rare finding a fraction of a patient in a thousand matters.",
                "Calculate with shares, without rounding.",
            ),
            "mean_of_rates": (
                "You take the mean of the two rates.",
                "That is the balanced accuracy; it does not depend on how common effusions are.",
                "Imagine 1000 patients. How many of them have an effusion, how many not?",
            ),
        },
        (
            "Imagine 1000 patients, and a prevalence of 1 %. How many have an effusion? How many of them are found?",
            "And how many of the others are called effusion as well?",
            "The answer is a share: the rightly called, of all that are called effusion.",
        ),
    ),
    Exercise(
        "film_weights",
        "Which weight for which film?",
        ("weights", "y_true", "y_pred"),
        {
            "rows_and_columns_swapped": (
                "Rows and columns have changed places.",
                "You look up what an overlooked effusion costs where there was a false alarm, and the reverse.",
                "The row is what the film is, the column what it is called.",
            ),
            "actual_twice": (
                "Your weight depends on the actual class alone.",
                "It comes from the diagonal, where no mistake is.",
                "Where does what the network says come in?",
            ),
            "predicted_twice": (
                "Your weight depends on the predicted class alone.",
                "It comes from the diagonal, where no mistake is.",
                "Where does what the film really is come in?",
            ),
            "averaged_by_probability": (
                "Your weights are a mixture of several.",
                "Each weight of the row was taken as much as its class is likely. Here the likeliest class is taken"
                " alone.",
                "Which column has the highest probability?",
            ),
            "every_pair": (
                "You return a weight for every pair of films.",
                "The rows were taken for all films, and then the columns for all films.",
                "NumPy takes two lists of positions in one pair of brackets, and goes through both side by side.",
            ),
            "whole_row": (
                "You return a whole row of weights for each film.",
                "The actual class chooses the row; one more choice is needed.",
                "Which column belongs to each film?",
            ),
            "argmax_over_films": (
                "You have looked for the film in which each class is likeliest.",
                "argmax goes along an axis, and here along the films.",
                "Which axis has the classes?",
            ),
            "least_likely": (
                "You take the class with the lowest probability.",
                "The predicted class is the likeliest.",
                "Print the probabilities of one film, and the class that you find for it.",
            ),
            "half_as_threshold": (
                "It is right for two classes, and not for more.",
                "Among three classes the likeliest may have a probability below one half.",
                "Compare the classes with each other, not with a number.",
            ),
            "only_the_mistakes": (
                "Films that are called rightly have a weight of 0.",
                "They have a weight as well: it is on the diagonal. With 0 nothing would be learnt from them.",
                "Look up the weight for every film.",
            ),
            "mean_of_all": (
                "You return one number.",
                "The mean comes later, over the loss. Here every film has a weight of its own.",
                "As many weights as films are wanted.",
            ),
            "right_calls_are_one": (
                "Films that are called rightly have a weight of 1.",
                "Their weight is on the diagonal, and need not be 1.",
                "Look up the weight for every film.",
            ),
            "times_probability": (
                "Your weights are multiplied by the probability.",
                "A weight is a cell of the matrix, whole; how sure the network was comes in with the cross-entropy.",
                "Use the probabilities only to find the class.",
            ),
            "loss_returned": (
                "You return the loss of each film.",
                "That comes in the next exercise; here the weights alone are wanted.",
                "Leave the logarithm for later.",
            ),
            "row_mean": (
                "Your weight is the mean of a row.",
                "So it depends on the actual class alone.",
                "Which column belongs to each film?",
            ),
            "dearest_of_row": (
                "Your weight is the largest of a row.",
                "So it depends on the actual class alone.",
                "Which column belongs to each film?",
            ),
            "first_two_classes": (
                "It is right for two classes, and not for more.",
                "You ask whether a film is of class 1; a third class is not looked at.",
                "Compare all classes with each other.",
            ),
            "rounded_probabilities": (
                "You use the one-hot rows and the probabilities as positions.",
                "A probability cut to a whole number is nearly always 0. A position says which, not how likely.",
                "In which column does each row have its largest number?",
            ),
            "for_every_actual_class": (
                "You return a row for each class, not one weight for each film.",
                "The column was chosen by film, and all rows were kept.",
                "Which row belongs to each film?",
            ),
        },
        (
            "Do one film by hand: what is it, what is it called, which cell is that?",
            "NumPy's argmax finds the place of the largest number, and takes an axis. It reads y_true as well.",
            "Two arrays of positions in one pair of brackets pick one cell for each film: matrix[these, those].",
        ),
    ),
    Exercise(
        "weighted_loss",
        "The weighted loss of a batch",
        ("weights", "y_true", "y_pred"),
        {
            "not_weighted": (
                "This is the cross-entropy without weights.",
                "Overlooking an effusion costs no more in it than a false alarm.",
                "Each film has a weight from the matrix. Where does it come in?",
            ),
            "summed": (
                "Your number grows with the number of films.",
                "You have added up the films; the loss of a batch is their mean.",
                "What would come out if every film were in the batch twice?",
            ),
            "divided_by_weights": (
                "Your weights do not matter as a whole: with all of them doubled, the same comes out.",
                "You divide by the sum of the weights. Keras divides by the number of films, and so does the task.",
                "Divide by how many films there are.",
            ),
            "divided_by_cells": (
                "Your number is too small, the more classes the smaller.",
                "The mean runs over films and classes, but each film has one loss.",
                "First one number for each film, then the mean.",
            ),
            "rows_and_columns_swapped": (
                "Rows and columns of the weights have changed places.",
                "So a false alarm is charged what an overlooked effusion costs.",
                "The row is what the film is, the column what it is called.",
            ),
            "actual_twice": (
                "Your weight depends on the actual class alone.",
                "It comes from the diagonal, where no mistake is.",
                "Where does what the network says come in?",
            ),
            "predicted_logged": (
                "You take the logarithm of the largest probability.",
                "Then a network that is sure of a wrong class has no loss. What counts is how likely it found the"
                " class that was right.",
                "Which column is that? Ask y_true.",
            ),
            "sign_forgotten": (
                "Your loss is negative.",
                "The logarithm of a probability lies below 0, and a loss should be the larger the worse it is.",
                "What is missing in front?",
            ),
            "weight_inside_the_log": (
                "Your weights stand inside the logarithm.",
                "There they add an amount that does not depend on the probability, so nothing different is learnt.",
                "First the cross-entropy of a film, then times its weight.",
            ),
            "weighted_after_the_mean": (
                "You multiply the mean loss by the mean weight.",
                "Which film the weight belongs to is lost that way.",
                "First multiply, film by film; then take the mean.",
            ),
            "one_loss_each": (
                "You return a loss for each film.",
                "They are right; asked is one number for the batch.",
                "What does one make of many losses?",
            ),
            "other_classes_too": (
                "Your loss is too large.",
                "You count the probabilities of the other classes as well; categorical cross-entropy looks at that of"
                " the right class.",
                "How many numbers of one row should come into its loss?",
            ),
            "other_logarithm": (
                "This is the loss with logarithms to base 10.",
                "The cross-entropy of Keras takes the natural logarithm.",
                "np.log is that one.",
            ),
            "log_forgotten": (
                "There is no logarithm in your loss.",
                "1 minus the probability is at most 1; a loss that grows without end makes a sure mistake much worse"
                " than an unsure one.",
                "What is the cross-entropy of one film?",
            ),
            "predicted_twice": (
                "Your weight depends on the predicted class alone.",
                "It comes from the diagonal, where no mistake is.",
                "Where does what the film really is come in?",
            ),
            "row_mean": (
                "Your weight is the mean of a row.",
                "So it depends on the actual class alone, whatever the film is called.",
                "Which column belongs to each film?",
            ),
            "averaged_by_probability": (
                "Your weights are a mixture of several.",
                "Each weight of the row was taken as much as its class is likely. Here the likeliest class is taken"
                " alone.",
                "Which column has the highest probability?",
            ),
            "right_calls_free": (
                "Films that are called rightly have no loss.",
                "They have one, with the weight on the diagonal. Without it the network would not become surer.",
                "Look up the weight for every film.",
            ),
            "right_calls_are_one": (
                "Films that are called rightly have a weight of 1.",
                "Their weight is on the diagonal, and need not be 1.",
                "Look up the weight for every film.",
            ),
            "mean_over_mistakes": (
                "Your mean runs only over the films that are called wrongly.",
                "The rightly called ones have a loss, too, and count when you divide.",
                "Over how many films does the mean run?",
            ),
            "weights_added": (
                "You add the weight to the cross-entropy.",
                "An amount that is added does not change what is learnt from a film.",
                "A film that counts double should have a loss that is double.",
            ),
            "divided_by_its_weight": (
                "The dearer the mistake, the smaller your loss.",
                "You divide by the weight of the film.",
                "A film that counts double should have a loss that is double.",
            ),
            "all_probabilities": (
                "Your loss is too large.",
                "You add the logarithms of all probabilities of a film; only that of its actual class counts.",
                "What is y_true for?",
            ),
            "weighted_row": (
                "Your loss is too large.",
                "You weigh the logarithms of all probabilities of a film; only that of its actual class counts.",
                "What comes out of y_true * y_pred?",
            ),
            "squared_error": (
                "You take the squared difference.",
                "That is another loss; it grows to a bound, where the cross-entropy grows without end.",
                "What is the cross-entropy of one film?",
            ),
            "log_of_the_mean": (
                "You take one logarithm at the end.",
                "The logarithm of a mean is not the mean of the logarithms.",
                "First the loss of each film, then the mean.",
            ),
            "only_weights": (
                "You return the mean of the weights.",
                "How likely the right class was found does not come in.",
                "What is the cross-entropy of one film?",
            ),
            "probability_for_loss": (
                "Your number is larger the surer the network is of the right class.",
                "You weigh the probability itself, without a logarithm.",
                "What is the cross-entropy of one film?",
            ),
            "least_likely": (
                "Your weight is that of the class with the lowest probability.",
                "The predicted class is the likeliest.",
                "Print the probabilities of one film, and the class that you find for it.",
            ),
            "base_two": (
                "This is the loss with logarithms to base 2.",
                "The cross-entropy of Keras takes the natural logarithm.",
                "np.log is that one.",
            ),
            "first_class_logged": (
                "You take the probability of the first class, whatever the film is.",
                "What counts is how likely the actual class was found.",
                "Which column is that? Ask y_true.",
            ),
        },
        (
            "One film first: with which probability was the right class predicted? Its loss is minus the logarithm.",
            "In y_true is 1 for the right class and 0 elsewhere. What is left of y_true * y_pred, added along a row?",
            "The weights are those of the exercise before. Times them, film by film, and the mean at the end.",
        ),
    ),
    Exercise(
        "cost_threshold",
        "From how likely on should one call it effusion?",
        ("costs",),
        {
            "rows_and_columns_swapped": (
                "Rows and columns of the costs have changed places.",
                "So the false alarm gets the price of the overlooked effusion, and the other way round.",
                "The row is what the film is, the column what it is called.",
            ),
            "right_calls_free": (
                "It is right where the right calls cost nothing, and only there.",
                "A finding that is right has a price, too: more pictures, a needle. It belongs into the sum.",
                "What is lost by a mistake, compared with calling the same film rightly?",
            ),
            "miss_on_top": (
                "The dearer an overlooked effusion, the higher your threshold.",
                "It should be the other way: what must not be missed is called early.",
                "Which of the two mistakes holds one back from calling effusion?",
            ),
            "one_over_the_other": (
                "Your number is a ratio of two costs, and can be above 1.",
                "That is where the odds are, p to 1 - p; the chance p is wanted.",
                "Write down the cost of both calls for a chance p. For which p are they equal?",
            ),
            "left_at_half": (
                "You return 0.5.",
                "That is the threshold where both mistakes cost the same.",
                "What changes if one of them costs ten times as much?",
            ),
            "share_of_everything": (
                "You divide by the sum of all costs.",
                "The costs of right calls are not added to those of the mistakes; they are what one pays anyway.",
                "Write down the cost of both calls for a chance p. For which p are they equal?",
            ),
            "complement_taken": (
                "This is 1 minus the threshold.",
                "It is how likely nofinding has to be, or p and 1 - p have changed places.",
                "With which factor does p stand: with the costs of the effusion, or with those of the other row?",
            ),
            "right_calls_added": (
                "You add the costs of the right calls to those of the mistakes.",
                "What counts is what a mistake costs more than the right call of the same film.",
                "Within a row: which of the two do you take away from the other?",
            ),
            "columns_compared": (
                "You compare within the columns.",
                "A column holds two different films that are called the same; to choose a call, one compares two calls"
                " for the same film.",
                "Along which axis does one and the same film lie?",
            ),
            "odds_reversed": (
                "Your number is a ratio of two costs, and above 1.",
                "The dear mistake stands above: it should make the threshold lower. And a ratio of two costs is not"
                " yet a chance.",
                "Write down the cost of both calls for a chance p. For which p are they equal?",
            ),
            "odds_of_mistakes": (
                "Your number is a ratio of the costs of the two mistakes.",
                "That is where the odds are, p to 1 - p; the chance p is wanted. And right calls may cost something.",
                "Write down the cost of both calls for a chance p. For which p are they equal?",
            ),
            "dear_over_cheap": (
                "Your number is above 1: it cannot be a chance.",
                "You divided the cost of an overlooked effusion by that of a false alarm.",
                "What must not be missed is called early. Which cost belongs above?",
            ),
            "sign_error": (
                "Your number is not from 0 to 1.",
                "Both costs belong to the denominator with the same sign; one of yours is subtracted.",
                "Go through the signs when you bring all terms with p to one side.",
            ),
            "only_above": (
                "Your denominator is too large.",
                "What the right calls cost is taken away above the line and not below.",
                "What is lost by a mistake, compared with calling the same film rightly? That belongs above and below.",
            ),
            "only_below": (
                "Your numerator is too large.",
                "What the right calls cost is taken away below the line and not above.",
                "What is lost by a mistake, compared with calling the same film rightly? That belongs above and below.",
            ),
            "one_right_call_forgotten": (
                "It is right only where a finding that is right costs nothing.",
                "One of the two right calls is left out.",
                "For each row: what does a mistake cost more than the right call?",
            ),
            "other_right_call_forgotten": (
                "It is right only where leaving a healthy patient in peace costs nothing.",
                "One of the two right calls is left out.",
                "For each row: what does a mistake cost more than the right call?",
            ),
            "share_of_the_column": (
                "You divide what calling effusion costs by the sum of all costs.",
                "The two costs of a column never meet in one film.",
                "Take a chance p: which cost is paid with it, which with 1 - p?",
            ),
            "brackets_forgotten": (
                "Your number is far above 1.",
                "Division comes before subtraction: a - b / c is not the same with brackets round a - b.",
                "Put brackets round what belongs together, and check that the result is a chance.",
            ),
        },
        (
            "Take a chance p. Calling effusion costs, on average, p times one cell plus 1 - p times another. Which?",
            "Write the same for calling nofinding. At the threshold both cost the same.",
            "Solve for p. Test it: if all that is right is free and both mistakes cost the same, it must be one half.",
        ),
    ),
)
